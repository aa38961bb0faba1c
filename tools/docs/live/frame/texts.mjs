// What every live figure says; a chapter's own words stand in its file.

export const texts = {
  en: {
    step: "Step",
    play: "Play",
    pause: "Pause",
    reset: "Start again",
    answer: "Answer",
    live: "Try it",
    controls: "Settings",
    failed: "The live figure needs a browser with WebAssembly (SIMD); the picture above shows the same.",
  },
  zh: {
    step: "走一步",
    play: "播放",
    pause: "暂停",
    reset: "重来",
    answer: "答案",
    live: "动手试试",
    controls: "设置",
    failed: "实时图需要支持 WebAssembly（SIMD）的浏览器；上面的图片说的是同一件事。",
  },
};

/** Write a number with a real minus and that many digits. */
export function number(x, digits = 3) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "–" : x > 0 ? "∞" : "−∞";
  const text = Math.abs(x) >= 1e7 ? x.toExponential(2) : x.toFixed(digits);
  return (/[1-9]/.test(text) ? text : text.replace("-", "")).replaceAll("-", "−");
}

/** Write a share as per cent. */
export function percent(share, digits = 0) {
  return Number.isFinite(share) ? `${number(100 * share, digits)} %` : "–";
}

/** Write a whole number with commas. */
export function count(n) {
  return Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}
