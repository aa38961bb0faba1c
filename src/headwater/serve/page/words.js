// Everything the page says, in two languages; a word that is missing in one shows up in the test that compares their keys.
export const WORDS = {
  en: {
    model: "Model", token: "Token", login: "Log in", nothing: "Nothing learned yet", send: "Send a first example, and watch:",
    score: "Score over time, and what hardly learns", loss: "Loss over time", rate: "Examples a second", calibration: "Calibration: said and seen",
    experts: "Experts’ weights", importance: "Feature importance so far", learners: "Champion and challengers", weights: "Weights by layer",
    recent: "Last examples", rejected: "What the guards rejected", controls: "Controls", snapshot: "Snapshot now", file: "Download model",
    onnx: "Download ONNX", pause: "Pause learning", resume: "Go on learning", on: "live", off: "no connection, trying again", language: "中文",
    dark: "Dark", light: "Light", learned: "learned", accuracy: "accuracy", lately: "lately", mae: "mean |error|", sequence: "sequence",
    persecond: "a second", nothingrejected: "Nothing.", promote: "Promote", remove: "Remove", champion: "champion", challenge: "Add challenger",
    newname: "Name", hidden: "Hidden units (empty: default)", sample: "sample", said: "predicted", answer: "answer", number: "number", name: "name",
    latency: "Latency p50 / p99: ", "no-change": "last answer again", majority: "most frequent class", mean: "mean so far", drift: "drift", done: "Done.",
    ideal: "ideal", rise: "rise of the loss", rows: "rows learned", notready: "not ready: nothing can be acknowledged", waiting: "Not enough yet.",
    saidp: "probability said", seen: "share right", latencies: "Latency over time", activations: "Activations by layer",
    importancehow: "How much the loss rises when a feature’s values are exchanged (iPFI), over the rows looked at since the start.",
    mapshow: "Rows are inputs, columns units. Blue above zero, orange below.",
    activationshow: "What each layer hands on: rows are the last examples, newest first, columns units.",
    expert: "expert", layer: "layer", step: "Step size ×", setstep: "Set step size", stepnow: "now × ", stepshort: "step", role: "role",
    refused: "Requests refused lately", time: "time", address: "address", why: "why",
    why_target: "the answer is missing or can’t be one", why_weight: "the weight can’t be one", why_empty: "nothing in the example to learn from",
    why_infinite: "an infinite value, read as missing", why_huge: "a value beyond 1e30, read as 1e30",
    why_far: "a value more than ten deviations off its mean, clipped", why_far_target: "an answer more than ten deviations off the mean, clipped",
    why_type: "a value that is no feature, read as missing", why_overflow: "the output was not finite; not learned",
    why_diverged: "a step that made its own example far worse; undone, and steps halved for a while",
  },
  zh: {
    model: "模型", token: "令牌", login: "登录", nothing: "尚未学习任何样本", send: "发送第一个样本，然后观察：",
    score: "得分随时间的变化，以及几乎不学习的基线", loss: "损失随时间的变化", rate: "每秒样本数", calibration: "校准：预测与实际",
    experts: "专家权重", importance: "目前的特征重要性", learners: "冠军与挑战者", weights: "各层权重",
    recent: "最近的样本", rejected: "被拒绝的数据", controls: "控制", snapshot: "立即快照", file: "下载模型",
    onnx: "下载 ONNX", pause: "暂停学习", resume: "继续学习", on: "实时", off: "连接中断，正在重试", language: "English",
    dark: "深色", light: "浅色", learned: "已学习", accuracy: "准确率", lately: "最近", mae: "平均绝对误差", sequence: "序号",
    persecond: "每秒", nothingrejected: "无。", promote: "提升", remove: "移除", champion: "冠军", challenge: "添加挑战者",
    newname: "名称", hidden: "隐藏单元（空：默认）", sample: "样本", said: "预测", answer: "答案", number: "序号", name: "名称",
    latency: "延迟 p50 / p99：", "no-change": "重复上一答案", majority: "最常见类别", mean: "目前均值", drift: "漂移", done: "完成。",
    ideal: "理想", rise: "损失的增加", rows: "已学行数", notready: "未就绪：无法确认任何样本", waiting: "数据还不够。",
    saidp: "预测概率", seen: "正确比例", latencies: "延迟随时间的变化", activations: "各层激活值",
    importancehow: "交换某特征的取值后损失增加多少（iPFI），按启动以来抽查的样本计算。",
    mapshow: "行为输入，列为单元。蓝色为正，橙色为负。",
    activationshow: "各层的输出：行为最近的样本（最新在前），列为单元。",
    expert: "专家", layer: "层", step: "步长 ×", setstep: "设置步长", stepnow: "当前 × ", stepshort: "步长", role: "角色",
    refused: "最近被拒绝的请求", time: "时间", address: "地址", why: "原因",
    why_target: "答案缺失或无效", why_weight: "权重无效", why_empty: "样本中没有可学习的内容",
    why_infinite: "无穷大的值，视为缺失", why_huge: "超过 1e30 的值，视为 1e30",
    why_far: "偏离均值十个标准差以上的值，已截断", why_far_target: "偏离均值十个标准差以上的答案，已截断",
    why_type: "不能作为特征的值，视为缺失", why_overflow: "输出不是有限数，未学习",
    why_diverged: "使该样本明显变差的一步，已撤销，步长暂时减半",
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
