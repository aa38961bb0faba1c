// What the server refuses, in the page's language, by the code in its answer. The server says the sentence itself in English; of a code
// without a translation that one is shown. {at} is where, {field} the name of a field as the page calls it.
import { current, text } from "./language.js";

export const REFUSALS = {
  zh: {
    error: "服务器无法完成这个请求。", config: "“{at}”的设置无效。", data: "“{at}”的数据无法使用。", source: "文件为空，或缺少列名行。",
    broker_gone: "目前无法连接“{at}”；请启动它，或检查地址。",
    broker_refused: "“{at}”拒绝了连接，或无法证明其身份；请检查用户名、密码和证书。", message_too_large: "消息太大，“{at}”不接受；请发送较小的消息。",
    password_in_arguments: "命令行参数中不能包含密码，因为其他用户可以看到；请放入环境变量或文件。",
    trimmed_log: "“{at}”已不再保留上次学到之处以后的消息；请恢复它，或换一个名称重新开始。", needs_store: "“{at}”的位置只能保存在存储文件中。",
    target: "答案缺失或类型不对；没有学习任何内容。", limit_fractions: "带小数的类别太多，像是回归的答案；请改用回归模型。", too_many_rejects: "无法使用的样本超过了允许的比例；请检查文件和列。", model_file: "无法读取已保存的模型。", store: "目前无法保存，因此不确认任何样本；请检查磁盘空间和存储文件。",
    missing_extra: "服务器缺少一个软件包；请运行 pip install 'headwater[serve]'。", invalid: "“{field}”的值超出范围或类型不对。", not_json: "请求不是有效的 JSON。",
    too_large: "内容太大，超过服务器的上限；请分批发送。", too_slow: "内容没有及时送达；请重试。", head_too_large: "请求的地址和标头太长；请缩短。", not_found: "没有“{at}”。", method: "此地址不支持这种请求方法。",
    token: "令牌无效；请使用本服务器的令牌登录。", forbidden: "这个令牌的权限不够；请使用其他令牌。", origin: "请求来自其他网站，已拒绝。",
    host: "未设置令牌时只接受本机主机名；请使用 localhost。", rate_limited: "请求太频繁；请放慢速度。", busy: "等待处理的请求太多；请稍后再试。", stopping: "服务器正在停止。",
    limit: "请求超出了限制（见英文说明中的名称）；没有学习任何内容。", paused: "模型“{at}”已暂停学习；没有学习任何内容，请在恢复后重新发送。", learns_elsewhere: "模型“{at}”由集群任务学习；没有学习任何内容，请把样本加入该任务读取的数据。", too_old: "没有足够新的状态可用于预测；请检查集群任务是否在运行。",
    unknown_model: "没有这个名称的模型。", unknown_learner: "没有这个名称的学习器，可能已被移除。",
    name: "名称只能包含字母、数字、点、短横线和下划线，最多 64 个字符。", name_taken: "这个名称已被使用；请换一个。", is_champion: "“{at}”是冠军，不能移除；请先将另一个设为冠军。",
    kind: "“{at}”的模型类型不支持此操作。", not_learned: "“{at}”尚未学习任何样本；请先发送样本。", step_range: "学习率的倍数必须大于 0 且不超过 1000；1 为最初设置的学习率。",
    no_key: "“{at}”没有可用的键；请给每个样本都加上键，没有学习任何内容。", too_many_keys: "“{at}”的键已达到上限；没有学习任何内容。", unknown_key: "还没有学习过这个键。",
    unknown_id: "没有给出过这个 id。", expired_id: "这个 id 的预测已不再保留。", conflicting_id: "这个 id 已用于内容不同的样本。", not_arrow: "请求体不是 Arrow 流，或者含有读不了的列。",
  },
};

const NAMES = { factor: "step", name: "newname", learner: "name" }; // fields whose word has another key

export function refusalText(value) {
  const sentence = REFUSALS[current()]?.[value.code];
  if (!sentence) return [value.at ? `${value.error} — ${value.at}` : value.error, value.help].filter(Boolean).join(". ");
  const field = /\$\.(\w+)/.exec(value.at)?.[1];
  return sentence.replace("{field}", field ? text(NAMES[field] ?? field) : value.at).replace("{at}", value.at);
}
