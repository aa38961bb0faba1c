// Texts of the frame around both tabs: header, login, questions.
export const SHARED = {
  en: {
    tab_live: "Live", tab_playground: "Playground", model: "Model", token: "Token", login: "Log in", language: "中文", dark: "Dark", light: "Light",
    cancel: "Cancel", done: "Done.", unreachable: "The server can’t be reached.", rows: "samples", accuracy: "accuracy", predicted: "predicted", answer: "answer", sample: "sample",
    missing_plotly: "The server lacks a package: pip install 'headwater[serve]'",
  },
  zh: {
    tab_live: "实时", tab_playground: "游乐场", model: "模型", token: "令牌", login: "登录", language: "English", dark: "深色", light: "浅色",
    cancel: "取消", done: "完成。", unreachable: "无法连接服务器。", rows: "个样本", accuracy: "准确率", predicted: "预测", answer: "答案", sample: "样本",
    missing_plotly: "服务器缺少一个软件包：pip install 'headwater[serve]'",
  },
};
