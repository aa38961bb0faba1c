// Chapter 24: a kernel that slides over a digit, and the image that it makes.

import { Net } from "../frame/core.mjs";
import { number } from "../frame/texts.mjs";

const KERNELS = {
  upright: [1, 0, -1, 1, 0, -1, 1, 0, -1],
  lying: [1, 1, 1, 0, 0, 0, -1, -1, -1],
  blur: Array(9).fill(1 / 3),
  middle: [0, 0, 0, 0, 3, 0, 0, 0, 0],
};
const [SIDE, MADE] = [8, 6];
const ONES = Array.from({ length: MADE * MADE }, (_, i) => Array.from({ length: MADE * MADE }, (_, j) => (i === j ? 1 : 0)));

export default {
  words: {
    en: {
      ask: "Which kernel finds the flat strokes of a 7 or a 2? Move the digit by a pixel: what happens to the image that the kernel makes, and what to its largest number?",
      solution: "The lying edge: it is far from zero above and below a flat stroke. The image moves along with the digit, and its largest number stays the same until the stroke leaves the image: that is what a pool over all of it hands on.",
      kernel: "kernel", upright: "upright edge", lying: "lying edge", blur: "blur", middle: "middle", digit: "digit", moved: "moved by",
      image: "the digit", made: "what the kernel makes of it", largest: "largest", corner: "top left",
    },
    zh: {
      ask: "哪个卷积核能找到 7 或 2 的横笔？把数字挪一个像素：卷积核得到的图像怎样变，它的最大值呢？",
      solution: "横的边缘：它在横笔的上下两侧远离零。图像随着数字一起移动，最大值不变，直到那一笔离开图像：对整幅图像的池化传下去的就是它。",
      kernel: "卷积核", upright: "竖的边缘", lying: "横的边缘", blur: "模糊", middle: "中间", digit: "数字", moved: "平移",
      image: "数字", made: "卷积核得到的图像", largest: "最大值", corner: "左上角",
    },
  },
  rows: "digits",
  controls: {
    kernel: { among: Object.keys(KERNELS), at: "upright", live: true },
    digit: { from: 0, to: 9, step: 1, at: 0, live: true },
    moved: { from: -2, to: 2, step: 1, at: 0, live: true },
  },
  start({ hw, rows }) {
    const layers = [{ name: "conv", channels: 1, kernel: 3, bias: false }, { name: "flatten" }, { name: "dense", units: MADE * MADE, bias: false }];
    const net = new Net(hw, { layers, inputs: [1, SIDE, SIDE] });
    return { net, rows, free: () => net.free() };
  },
  show({ net, rows }, { kernel, digit, moved }, words) {
    net.set({ weights: KERNELS[kernel] }, { weights: ONES });
    const image = rows[digit].map((row) => row.map((_, j) => row[(j - moved + SIDE) % SIDE])).flat();
    const made = Array.from(net.forward([image]));
    return {
      pictures: [picture(words.image, image, SIDE, 1, `${digit} ${moved}`), picture(words.made, made, MADE, 3, `${kernel} ${digit} ${moved}`)],
      numbers: { corner: number(made[0], 1), largest: number(Math.max(...made), 1) },
    };
  },
};

/** An image as a shade: white is zero, blue above and orange below. */
function picture(title, values, side, most, key) {
  const place = (at) => Math.min(side - 1, Math.floor(at));
  return {
    ...{ title, key: `${title} ${key}`, square: true },
    x: { from: 0, to: side, ticks: [] },
    y: { from: 0, to: side, ticks: [] },
    shade: (grid) => grid.map(([x, y]) => values[(side - 1 - place(y)) * side + place(x)] / most),
  };
}
