// Everything the page says, in two languages; a word that is missing in one shows up in the test that compares their keys.
export const WORDS = {
  en: {
    model: "Model", token: "Token", login: "Log in", nothing: "Nothing learned yet", send: "Send a first example, and watch:",
    score: "Score over time, and what hardly learns", loss: "Loss over time", rate: "Examples a second", calibration: "Calibration: said and seen",
    experts: "Experts’ weights", importance: "What moved the last predictions", learners: "Champion and challengers", weights: "Weights by layer",
    recent: "Last examples", rejected: "What the guards rejected", controls: "Controls", snapshot: "Snapshot now", file: "Download model",
    onnx: "Download ONNX", pause: "Pause learning", resume: "Go on learning", on: "live", off: "no connection, trying again", language: "中文",
    dark: "Dark", light: "Light", learned: "learned", accuracy: "accuracy", lately: "lately", mae: "mean |error|", sequence: "sequence",
    persecond: "a second", nothingrejected: "Nothing.", promote: "Promote", remove: "Remove", champion: "champion", challenge: "Add challenger",
    newname: "Name", hidden: "Hidden units (empty: default)", sample: "sample", said: "predicted", answer: "answer", number: "number", name: "name",
    latency: "Latency p50 / p99: ", "no-change": "last answer again", majority: "most frequent class", mean: "mean so far", drift: "drift", done: "Done.",
    ideal: "ideal", share: "mean |contribution|", rows: "rows learned", notready: "not ready: nothing can be acknowledged", waiting: "Not enough yet.",
    saidp: "probability said", seen: "share right",
  },
  zh: {
    model: "模型", token: "令牌", login: "登录", nothing: "尚未学习任何样本", send: "发送第一个样本，然后观察：",
    score: "得分随时间的变化，以及几乎不学习的基线", loss: "损失随时间的变化", rate: "每秒样本数", calibration: "校准：预测与实际",
    experts: "专家权重", importance: "影响最近预测的特征", learners: "冠军与挑战者", weights: "各层权重",
    recent: "最近的样本", rejected: "被拒绝的数据", controls: "控制", snapshot: "立即快照", file: "下载模型",
    onnx: "下载 ONNX", pause: "暂停学习", resume: "继续学习", on: "实时", off: "连接中断，正在重试", language: "English",
    dark: "深色", light: "浅色", learned: "已学习", accuracy: "准确率", lately: "最近", mae: "平均绝对误差", sequence: "序号",
    persecond: "每秒", nothingrejected: "无。", promote: "提升", remove: "移除", champion: "冠军", challenge: "添加挑战者",
    newname: "名称", hidden: "隐藏单元（空：默认）", sample: "样本", said: "预测", answer: "答案", number: "序号", name: "名称",
    latency: "延迟 p50 / p99：", "no-change": "重复上一答案", majority: "最常见类别", mean: "目前均值", drift: "漂移", done: "完成。",
    ideal: "理想", share: "平均绝对贡献", rows: "已学行数", notready: "未就绪：无法确认任何样本", waiting: "数据还不够。",
    saidp: "预测概率", seen: "正确比例",
  },
};

let language = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");
export const say = (key) => WORDS[language][key] ?? key;
export const current = () => language;
export function change() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem("language", language);
  speak();
}
export function speak() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
}
