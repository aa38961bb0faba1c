// The page in two languages, with the same keys for both.
import { figure, share } from "./verdict.mjs";

const TEXTS = {
  en: {
    form: "A sample", form_help: "What is left empty counts as missing. Each change is predicted at once, on this device.", clear: "Empty the form",
    more: "Show all {n} columns", said: "Prediction", why: "Why", feature: "Column", part: "Moves it by", rows_before: "the rows before", share: "Share", nothing: "Nothing is known yet: teach it a first answer.",
    no_why: "Why is said in Python, which tells the words of a text apart: model.explain_one(x).",
    baseline: "At the baseline (numbers at their means, no categories) it says {baseline}; each column moves it from there.",
    baseline_memory: "At the baseline (numbers at their means, no categories, nothing of the rows before) it says {baseline}; each column, and the rows before, move it from there.", interval: "in 9 of 10 cases between {low} and {high}", probability: "probability",
    learn_title: "Teach it", answer: "The true answer", another: "another …", new_answer: "New class", learn: "Learn this", score_note: "Each answer since this page was opened is compared with what the model said before it learned it.",
    score_note_numbers: "Each answer since this page was opened is compared with what the model said before it learned it.",
    no_score: "No answer yet since this page was opened.",
    before_title: "How good it is", before_note: "Counted before this page, while it learned {n}, always by what it said before it learned.", before_curve: "Lately, as it learned", before_model: "the model", all_classes: "all outputs that are classes", all_numbers: "all outputs that are numbers", of_what: "{what}: ",
    before_none: "Its file says nothing of that. What is counted here begins when this page is opened.", before_unknown: "Its file says nothing of that: headwater learn --model and stores keep a score.",
    file_title: "A CSV file", file_help: "Drop a file here, or choose one. It is read on this device, row by row, and goes nowhere.", choose: "Choose a file", answer_column: "Answer in column", none: "none",
    predict_file: "Predict its rows", learn_file: "Predict and learn its rows", cancel: "Stop", predictions: "Download the predictions", chosen: "{name}: {columns} columns.",
    progress: "{rows} rows …", predicted_rows: "{rows} rows predicted.", learned_rows: "{rows} rows, {learned} of them learned.", stopped: "Stopped. ", odd_rows: "{odd} rows had another number of cells and were left out.",
    keep_title: "Keep what it became", keep_help: "What it learns here is gone when the page is closed. The file opens in Python (hw.load), and here again.", save: "Download the model", open: "Open a model file",
    code_title: "In a page of your own", code_help: "Put model.hw.z, headwater.mjs, learn.mjs, the files that end in .wasm and, if it is there, whole.mjs of this folder beside your page.",
    learned: "{n} rows learned", loading: "Loading …", dark: "Dark", light: "Light", language: "中文",
    footer: "Nothing is sent anywhere. Made with headwater: neural networks that learn online.", missing_target: "Choose the column that holds the answers.", network: "expected a Classifier or a Regressor, got a Network: it has no columns.",
  },
  zh: {
    form: "一个样本", form_help: "留空表示缺失。每次改动都会立即在本设备上预测。", clear: "清空表单",
    more: "显示全部 {n} 列", said: "预测", why: "原因", feature: "列", part: "影响", rows_before: "之前的样本", share: "概率", nothing: "还一无所知：请先教它一个答案。",
    no_why: "原因请在 Python 中查看，那里会区分文本中的各个词：model.explain_one(x)。",
    baseline: "在基线（数值取均值、没有类别）处它给出 {baseline}；各列使它由此移动。",
    baseline_memory: "在基线（数值取均值、没有类别、不含之前的样本）处它给出 {baseline}；各列和之前的样本使它由此移动。", interval: "十次中有九次介于 {low} 和 {high} 之间", probability: "概率",
    learn_title: "教它", answer: "真实答案", another: "其他 …", new_answer: "新类别", learn: "学习此样本", score_note: "打开本页以来的每个答案都与模型学习之前的预测相比较。",
    score_note_numbers: "打开本页以来的每个答案都与模型学习之前的预测相比较。",
    no_score: "打开本页以来还没有答案。",
    before_title: "效果如何", before_note: "在本页之前统计，那时学习了 {n} 个，一律按学习之前给出的结果。", before_curve: "学习过程中的近期得分", before_model: "模型", all_classes: "所有类别输出", all_numbers: "所有数值输出", of_what: "{what}：",
    before_none: "模型文件里没有得分。这里的统计从打开本页开始。", before_unknown: "模型文件里没有得分：headwater learn --model 和存储会保存得分。",
    file_title: "CSV 文件", file_help: "把文件拖到这里，或选择一个。文件在本设备上逐行读取，不会发送到任何地方。", choose: "选择文件", answer_column: "答案所在的列", none: "无",
    predict_file: "预测各行", learn_file: "预测并学习各行", cancel: "停止", predictions: "下载预测结果", chosen: "{name}：{columns} 列。",
    progress: "{rows} 行 …", predicted_rows: "已预测 {rows} 行。", learned_rows: "{rows} 行，其中学习了 {learned} 行。", stopped: "已停止。", odd_rows: "{odd} 行的单元格数不同，已略过。",
    keep_title: "保留学到的内容", keep_help: "关闭页面后，在此学到的内容就会丢失。文件可用 Python 打开（hw.load），也可再次在此打开。", save: "下载模型", open: "打开模型文件",
    code_title: "用在自己的网页里", code_help: "把本文件夹中的 model.hw.z、headwater.mjs、learn.mjs、所有 .wasm 文件以及（如果有）whole.mjs 放在网页旁边。",
    learned: "已学习 {n} 个样本", loading: "正在加载 …", dark: "深色", light: "浅色", language: "English",
    footer: "不会发送任何数据。由 headwater 制作：在线学习的神经网络。", missing_target: "请选择答案所在的列。", network: "应为 Classifier 或 Regressor，但得到 Network：它没有列。",
  },
};

const stored = (name) => {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage may be switched off
  }
};

export function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // then it is asked anew next time
  }
}

let chosen = stored("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
if (!Object.hasOwn(TEXTS, chosen)) chosen = "en";

export const language = () => chosen;

/** The text of a key, with {name} replaced by values. */
export function text(key, values = {}) {
  return TEXTS[chosen][key].replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

export function applyLanguage() {
  document.documentElement.lang = chosen;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
}

export function switchLanguage() {
  chosen = chosen === "en" ? "zh" : "en";
  keep("language", chosen);
}

export const firstTheme = () => stored("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

/** Numbers as on all pages: a few digits, and no letter e. */
export const shownNumber = (x, digits = 4) => figure(x, digits);
export const shownShare = (x) => `${share(x)}${chosen === "zh" ? "%" : " %"}`;
export const shownCount = (n) => figure(n, 15);
