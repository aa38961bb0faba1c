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
    tablive: "Live", tabplay: "Playground", reset: "Start again", run: "Run", halt: "Pause", single: "One row",
    rowslearned: "rows learned", speed: "Rows a second", activation: "Activation", optimizer: "Update rule", lr: "Learning rate", l1: "L1", l2: "L2",
    dropout: "Dropout", data: "Data", moons: "Two moons", circles: "Circles", xor: "XOR", spiral: "Spiral", gaussians: "Gaussians", plane: "Plane (regression)",
    hills: "Hills (regression)", csv: "Your CSV…", csvhint: "Two columns of numbers and an answer; it stays on this server.", noise: "Noise", conceptdrift: "Concept drift",
    none: "none", abrupt: "abrupt", gradual: "gradual", recurring: "recurring", every: "Rows for a quarter turn", features: "Inputs", layers: "Hidden layers:",
    addlayer: "Add a layer", removelayer: "Remove the last layer", addunit: "Add a unit", removeunit: "Remove a unit", unitn: "unit {n}", layern: "layer {n}", output: "output",
    outputs: "Output", turned: "turned by", showing: "shown: ", netloss: "net", frequencies: "class frequencies", meansofar: "mean so far", lastagain: "last answer again",
    losscurve: "Loss on rows not yet learned", lossname: "loss", over: "over about the last 100 rows (loss) and 200 (accuracy)", concept: "the concept changed",
    foursteps: "The four steps, with their numbers", presstep: "Press “One row”: the net learns a single sample, and every number of it stands here.",
    forward: "Forward pass", loss1: "Loss", gradient: "Gradient", update: "Update", predicted: "predicted", withpenalty: "With the penalty on the weights (L1, L2).",
    lossmeans: "What the wrong part of the prediction costs: 0 when it is sure and right.", backwards: "From the output back: how much the loss grows with each sum z.",
    undone: "The step was taken back: after it, this sample would have cost far more.", thinned: "With dropout the update used a net in which some units were silent.",
    from: "from", change: "change", neww: "new w", bias: "bias", clickunit: "Click a unit of the net to see its own arithmetic.", newnet: "A new net: its shape is another.",
    forgotten: "The server had forgotten this net; here is a new one.", weight: "weight", columnx: "across", columny: "upwards", columnanswer: "answer", skippedrows: "rows left out", filerows: "rows in the file",
    playhint: "A net learns a stream of points: each is predicted first, then learned. Press ▶, and change anything while it runs.",
    toolarge: "The file is larger than 1 MB: take a part of it.", gofast: "as fast as it goes", inputsfew: "A net needs an input.",
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
    tablive: "实时", tabplay: "游乐场", reset: "重新开始", run: "运行", halt: "暂停", single: "学习一行",
    rowslearned: "已学行数", speed: "每秒行数", activation: "激活函数", optimizer: "更新规则", lr: "学习率", l1: "L1 正则", l2: "L2 正则",
    dropout: "Dropout", data: "数据", moons: "双月", circles: "圆环", xor: "异或", spiral: "螺旋", gaussians: "高斯簇", plane: "平面（回归）",
    hills: "山丘（回归）", csv: "自己的 CSV…", csvhint: "两列数字作输入，一列作答案；文件不会离开本服务器。", noise: "噪声", conceptdrift: "概念漂移",
    none: "无", abrupt: "突变", gradual: "渐变", recurring: "重复", every: "转四分之一圈的行数", features: "输入", layers: "隐藏层：",
    addlayer: "增加一层", removelayer: "去掉最后一层", addunit: "增加一个单元", removeunit: "去掉一个单元", unitn: "单元 {n}", layern: "第 {n} 层", output: "输出",
    outputs: "输出", turned: "已转", showing: "显示：", netloss: "网络", frequencies: "类别频率", meansofar: "目前均值", lastagain: "重复上一答案",
    losscurve: "对尚未学习的行的损失", lossname: "损失", over: "损失约为最近 100 行，准确率为最近 200 行", concept: "概念改变",
    foursteps: "四个步骤及其数值", presstep: "按“学习一行”：网络只学习一个样本，所有数值都显示在这里。",
    forward: "前向传播", loss1: "损失", gradient: "梯度（反向传播）", update: "更新", predicted: "预测", withpenalty: "包含权重的惩罚项（L1、L2）。",
    lossmeans: "预测中错误部分的代价：预测既确定又正确时为 0。", backwards: "从输出往回：每个加权和 z 增大时损失增大多少。",
    undone: "这一步已撤回：否则这个样本的损失会大得多。", thinned: "使用 Dropout 时，更新所用的网络中有些单元被关闭。",
    from: "来自", change: "变化", neww: "新 w", bias: "偏置", clickunit: "点击网络中的单元，可查看它自己的计算。", newnet: "形状不同，已建立新网络。",
    forgotten: "服务器已忘记这个网络；这里是一个新的。", weight: "权重", columnx: "横轴", columny: "纵轴", columnanswer: "答案", skippedrows: "行被略去", filerows: "行（文件）",
    playhint: "网络从数据流中学习：每个点先预测，再学习。按 ▶ 开始，运行时可随时更改任何设置。",
    toolarge: "文件超过 1 MB：请只取一部分。", gofast: "尽可能快", inputsfew: "网络至少需要一个输入。",
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
