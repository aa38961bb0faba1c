"""The forms of a picture: drawn once, on white, in English; ``dark`` gives the one for dark pages, ``chinese`` the one in Chinese.

Colours are those of the playground: blue is positive, orange is negative.
"""

from __future__ import annotations

import re

INK, PALE = "#333333", "#999999"
ORANGE, BLUE, GREEN, VIOLET, PINK, BROWN = "#f28e1c", "#1277bd", "#2a9d5c", "#9254c8", "#d6457f", "#8a6d3b"

DARK = {
    "#ffffff": "#131416",  # paper, which is the dark page's
    "#000000": "#d8dee6",
    INK: "#d8dee6",
    PALE: "#8b95a1",
    "#b0b0b0": "#5a636e",  # the grid
    BLUE: "#4ea7e6",
    GREEN: "#45bd7b",
    VIOLET: "#b184e0",
    BROWN: "#b89a5e",
}

WORDS = {
    "1-64-64-1, fresh": "1-64-64-1，新数据",
    "1-64-64-1, learned": "1-64-64-1，学过的数据",
    "accuracy": "准确率",
    "accuracy, last 20 rows": "准确率（最近 20 个样本）",
    "accuracy, last 200 rows": "准确率（最近 200 个样本）",
    "accuracy, last 500 rows": "准确率（最近 500 个样本）",
    "accuracy, last 1,000 rows": "准确率（最近 1,000 个样本）",
    "accuracy, last 100 rows": "准确率（最近 100 个样本）",
    "all": "全部",
    "answer": "答案",
    "area": "面积",
    "batch": "批量",
    "batch norm": "批归一化",
    "batch norm, sigmoid": "批归一化，sigmoid",
    "bikes": "单车数",
    "city": "城市",
    "convolutional": "卷积",
    "coverage, last 500 rows": "包含答案的比例（最近 500 个样本）",
    "default": "默认",
    "dense": "全连接",
    "door": "门牌",
    "drift": "漂移",
    "epochs": "轮次",
    "even draw": "均匀抽取",
    "exploring": "会探索",
    "fixed": "阈值不动",
    "following": "阈值跟随",
    "forecast": "预测",
    "forward": "前向",
    "fresh": "新数据",
    "frozen": "停止学习",
    "greedy": "从不探索",
    "gradient / that of layer 8": "梯度 / 第 8 层的梯度",
    "layer": "层",
    "layer norm": "层归一化",
    "layer norm, He, ReLU": "层归一化、He、ReLU",
    "layer norm, sigmoid": "层归一化，sigmoid",
    "label of a row guessed": "猜对样本的标签",
    "learned": "学过的数据",
    "learning": "继续学习",
    "left half": "左半边",
    "loss": "损失",
    "mini-batch, 50": "小批量，50",
    "multiply-adds": "乘加次数",
    "no kept rows": "不保留样本",
    "50 kept rows": "保留 50 个样本",
    "no-change": "重复上一个答案",
    "one row": "一个样本触及",
    "online": "在线",
    "pairs": "词对",
    "pixel": "像素",
    "reward, last 100 rows": "奖励（最近 100 个样本）",
    "published every 1": "每个样本都公布",
    "published every 10": "每 10 个样本公布",
    "published every 100": "每 100 个样本公布",
    "right half": "右半边",
    "rows": "样本数",
    "saturated": "已饱和",
    "stochastic": "随机",
    "users": "用户数",
    "words": "单个词",
}
"""Labels in Chinese. What is missing here is a symbol, a number or a name that both languages write alike."""


def dark(svg: str) -> str:
    """Return a picture for a dark page."""
    return re.sub(r"#[0-9a-fA-F]{6}\b", lambda found: DARK.get(found[0].lower(), found[0]), svg)


def chinese(svg: str) -> str:
    """Return a picture with Chinese labels."""

    def said(label: re.Match[str]) -> str:
        words = [WORDS.get(part, part) for part in label[2].split(" = ", 1)]
        return f"{label[1]}{' = '.join(words)}</text>"

    return re.sub(r"(<text\b[^>]*>)([^<]+)</text>", said, svg)
