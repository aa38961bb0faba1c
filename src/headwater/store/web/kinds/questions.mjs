// Written from views of src/headwater/kinds. After a change there: python -m tools.build.written.phrases
export const QUESTIONS = {
 "Anomaly": {
  "en": {
   "question": "Is anything unusual?",
   "about": "The model scores each sample from 0 to 1, by how far it lies from those before, and then learns from it. No answers are needed. An alarm is given where fewer than one of a thousand samples like those before would score as high."
  },
  "zh": {
   "question": "有异常吗？",
   "about": "模型按照每个样本与之前样本的差异给出 0 到 1 的得分，然后从中学习。不需要答案。与之前相似的一千个样本中，得分这样高的不到一个时，就给出警报。"
  }
 },
 "Forecaster": {
  "en": {
   "question": "What comes next?",
   "about": "The model sees the answers of a series in their order. It forecasts each right before it comes, then learns it, and says at any time what the next ones will be."
  },
  "zh": {
   "question": "接下来会是多少？",
   "about": "模型按顺序看到序列的每个答案。它在答案到来之前先作预测，然后学习，并随时给出之后各个时刻的预测。"
  }
 },
 "Bandit": {
  "en": {
   "question": "Which action?",
   "about": "The model chooses an action for each row, sees the reward of that action alone, and learns from it. What simple policies would have earned follows from the probabilities of the actions."
  },
  "zh": {
   "question": "选择哪个动作？",
   "about": "模型为每个样本选择一个动作，只看到该动作的奖励并从中学习。简单策略本来会得到的奖励由各动作的概率推出。"
  }
 },
 "Agent": {
  "en": {
   "question": "What to do?",
   "about": "The model acts in an environment: it chooses an action in each state, sees the reward and the state that follow, and learns from them at once. A return is the sum of the rewards of an episode."
  },
  "zh": {
   "question": "该怎么做？",
   "about": "模型在环境中行动：它在每个状态中选择一个动作，看到随之而来的奖励和状态，并立刻从中学习。回报是一个回合中所有奖励之和。"
  }
 },
 "MultiOutput": {
  "en": {
   "question": "Which answers?",
   "about": "The model predicts several answers of each sample, classes and numbers, sees those that are known, and learns from them."
  },
  "zh": {
   "question": "有哪些答案？",
   "about": "模型对每个样本预测多个答案（类别和数值），看到其中已知的答案并从中学习。"
  }
 }
};
