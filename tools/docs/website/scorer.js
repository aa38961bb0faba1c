// How results of a search are ranked: a heading that holds all that was asked, then guides and the course, then the reference,
// last the project's own papers. Sphinx takes this object (a `var`, since its own text declares one too) in place of its own.
var Scorer = {
  score: ([page, , , , score, , kind]) => {
    if (kind === "object") return score >= Scorer.objNameMatch + Scorer.objPrio[1] ? score + 25 : score - 8;
    if (kind === "title") score += /^reference/.test(page) ? 5 : 25;
    if (/^(how-to|start$)/.test(page)) return score + 12;
    if (/^(learn\/|\d\d-|principles$|gallery$)/.test(page)) return score + 10;
    return /^(changelog|contributing|benchmarks|architecture|check|compatibility)$/.test(page) ? score - 8 : score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
