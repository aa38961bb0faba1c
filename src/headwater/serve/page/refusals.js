// What the server refuses, in the page's language, by the code in its answer. The server says the sentence itself in English; of a code
// without a translation that one is shown. {at} is where, {field} the name of a field as the page calls it.
import { current, say } from "/page/words.js";

export const REFUSALS = {
  zh: {
    error: "服务器无法完成这个请求。", config: "“{at}”的设置无效。", data: "“{at}”的数据无法使用。", source: "文件为空，或缺少列名行。",
    target: "答案缺失或类型不对；没有学习任何内容。", model_file: "无法读取已保存的模型。", store: "目前无法保存，因此不确认任何样本；请检查磁盘空间和存储文件。",
    missing_extra: "服务器缺少一个软件包；请运行 pip install 'headwater[serve]'。", invalid: "“{field}”的值超出范围或类型不对。", not_json: "请求不是有效的 JSON。",
    too_large: "内容太大，超过服务器的上限；请分批发送。", too_slow: "内容没有及时送达；请重试。", missing: "没有“{at}”。", method: "此地址不支持这种请求方法。",
    token: "令牌无效；请使用本服务器的令牌登录。", forbidden: "这个令牌的权限不够；请使用其他令牌。", origin: "请求来自其他网站，已拒绝。",
    host: "未设置令牌时只接受本机主机名；请使用 localhost。", too_fast: "请求太频繁；请放慢速度。", busy: "等待处理的请求太多；请稍后再试。", stopping: "服务器正在停止。",
    paused: "模型“{at}”已暂停学习；没有学习任何内容，请在恢复后重新发送。", unknown_model: "没有这个名称的模型。", unknown_learner: "没有这个名称的学习器，可能已被移除。",
    name: "名称只能包含字母、数字、点、短横线和下划线，最多 64 个字符。", name_taken: "这个名称已被使用；请换一个。", is_champion: "“{at}”是冠军，不能移除；请先提升另一个。",
    not_learned: "“{at}”尚未学习任何样本；请先发送样本。", step_range: "步长倍数必须大于 0 且不超过 1000；1 为最初设置的步长。",
    unknown_id: "没有给出过这个 id。", expired_id: "这个 id 的预测已不再保留。", conflicting_id: "这个 id 已用于内容不同的样本。",
    unknown_playground: "服务器已忘记这个网络；请重新开始。", csv_text: "这不是文本文件；请将表格另存为 CSV。", csv_header: "CSV 需要 3 至 1000 列，且列名各不相同；请检查第一行。",
    csv_quotes: "CSV 的引号不匹配；请检查文件。", csv_rows: "CSV 需要 3 至 20000 行；请只取一部分。", csv_few: "两个数字和答案都齐全的行不足 3 行；请选择其他列。",
    csv_numbers: "需要两列不同的数字作输入，另一列作答案；请选择其他列。", csv_column: "CSV 中没有这一列；请选择其他列。", csv_classes: "答案须为数字，或 2 至 6 个类别；请选择其他列。",
  },
};

const NAMES = { factor: "step", name: "newname", learner: "name" }; // fields whose word has another key

export function told(value) {
  const sentence = REFUSALS[current()]?.[value.code];
  if (!sentence) return [value.at ? `${value.error} — ${value.at}` : value.error, value.help].filter(Boolean).join(". ");
  const field = /\$\.(\w+)/.exec(value.at)?.[1];
  return sentence.replace("{field}", field ? say(NAMES[field] ?? field) : value.at).replace("{at}", value.at);
}
