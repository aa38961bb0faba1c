// Learns the rows of a scenario in Node, one after the other, and says how long that took: one line of JSON in, one out.
//
//   {"library", "module", "X", "y", "weights", "rows", "sizes", "lr", "seed"} → {"seconds", "proba"}: a file of float64
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.env.NODE_RIVALS}/`));
// what a library logs must not stand among the answers
console.log = console.info = console.warn = console.error;

async function numbers(path, type) {
  const bytes = await readFile(path);
  return new type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Each library: from a task to a function that makes a fresh net and returns a function of one row. */
const LIBRARIES = {
  /** `many`: all rows in one call of learnMany; else one call a row. */
  async headwater({ module, sizes, lr, seed, many }) {
    const { load } = await import(pathToFileURL(module));
    const hw = await load();
    const hidden = sizes.slice(1, -1).map((units) => ({ name: "dense", units, activation: "relu" }));
    const layers = [...hidden, { name: "dense", units: sizes.at(-1) }];
    return () => {
      const net = new hw.Network({ layers, loss: "binary_cross_entropy", optimizer: { name: "sgd", lr }, seed });
      if (many) return { all: (X, y, rows) => net.learnMany({ data: X, shape: [rows, sizes[0]] }, y) };
      net.build(sizes[0]);
      return { one: (x, y) => net.learnOne(x, y) };
    };
  },

  async tfjs({ sizes, lr, weights, backend }) {
    const tf = require("@tensorflow/tfjs");
    if (backend === "wasm") require("@tensorflow/tfjs-backend-wasm");
    await tf.setBackend(backend);
    await tf.ready();
    return () => {
      const layers = weights.map(({ W, b, n, m }) => [tf.variable(tf.tensor2d(W, [n, m])), tf.variable(tf.tensor1d(b))]);
      const optimizer = tf.train.sgd(lr);
      const one = (x, y) =>
        tf.tidy(() => {
          let logit;
          const input = tf.tensor2d(x, [1, sizes[0]]);
          optimizer.minimize(() => {
            let h = input;
            layers.forEach(([W, b], i) => {
              h = h.matMul(W).add(b);
              if (i < layers.length - 1) h = h.relu();
            });
            logit = tf.keep(h);
            return tf.losses.sigmoidCrossEntropy(tf.tensor2d([y], [1, 1]), h);
          });
          const [z] = logit.dataSync();
          logit.dispose();
          return 1 / (1 + Math.exp(-z));
        });
      return { one };
    };
  },

  async convnetjs({ sizes, lr }) {
    const convnet = require("convnetjs");
    return () => {
      const net = new convnet.Net();
      const hidden = sizes.slice(1, -1).map((units) => ({ type: "fc", num_neurons: units, activation: "relu" }));
      net.makeLayers([{ type: "input", out_sx: 1, out_sy: 1, out_depth: sizes[0] }, ...hidden, { type: "softmax", num_classes: 2 }]);
      const trainer = new convnet.SGDTrainer(net, { learning_rate: lr, momentum: 0, batch_size: 1, l2_decay: 0 });
      const input = new convnet.Vol(1, 1, sizes[0]);
      const last = net.layers.at(-1);
      const one = (x, y) => {
        input.w.set(x);
        trainer.train(input, y); // its forward pass comes before its step
        return last.out_act.w[1];
      };
      return { one };
    };
  },
};

async function prepared(task) {
  const [X, y] = [await numbers(task.X, Float32Array), await numbers(task.y, Float32Array)];
  const made = await LIBRARIES[task.library](task);
  const [width, rows] = [task.sizes[0], task.rows];
  return () => {
    const { all, one } = made();
    const begun = performance.now();
    let proba;
    if (all) proba = Float64Array.from(all(X, y, rows));
    else {
      proba = new Float64Array(rows);
      for (let i = 0; i < rows; i++) proba[i] = one(X.subarray(i * width, (i + 1) * width), y[i]);
    }
    return [(performance.now() - begun) / 1000, proba];
  };
}

let run = null;
for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  if (task.library) {
    run = await prepared(task);
    run(); // a warm-up: the engine has compiled what is hot
  }
  const [seconds, proba] = run();
  await writeFile(task.out, proba);
  process.stdout.write(`${JSON.stringify({ seconds })}\n`);
}
