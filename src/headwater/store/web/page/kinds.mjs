// Written from views of src/headwater/kinds. After a change there: python -m tools.build.written.phrases
export const QUESTIONS = {
 "Classifier": {
  "en": "Which class?",
  "zh": "属于哪个类别？"
 },
 "Regressor": {
  "en": "Which number?",
  "zh": "数值是多少？"
 }
};
