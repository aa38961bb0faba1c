// Texts of the page where people label rows.
export const LABEL = {
  en: {
    tab_label: "Label", another: "Another class", take: "Take it", skip: "Skip (s)", undo: "Undo (u)",
    keys: "Keys: Enter takes the proposed class, 1 to 9 a class, s skips, u takes the last label back. A label is learned once the next is given, or the page is left.",
    waiting: "{n} rows wait for a label.", none: "No row waits for a label.",
    brought: "{n} labels given. Of the last {last} proposals {right} were right; the more are, the less a label brings.",
  },
  zh: {
    tab_label: "标注", another: "其他类别", take: "采用", skip: "跳过（s）", undo: "撤销（u）",
    keys: "按键：回车采用建议的类别，1 到 9 选择类别，s 跳过，u 撤回上一个标注。给出下一个标注或离开页面时，上一个标注才被学习。",
    waiting: "{n} 个样本等待标注。", none: "没有等待标注的样本。",
    brought: "已标注 {n} 个样本。最近 {last} 个建议中有 {right} 个正确；正确的越多，一个标注带来的就越少。",
  },
};
