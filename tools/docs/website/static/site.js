// What the theme lacks: parts of the side bar that open and close, the side bar at the page that is read, other versions of the site, and
// the playground on the home page.
const STILL = {
  en: "This plays on the site, or with python -m http.server in the site's folder: a browser loads no modules from files. The picture above shows the same.",
  zh: "这里的图要从网站打开才会动，或者在网站的文件夹里运行 python -m http.server：浏览器不从文件加载模块。上面的图片说的是同一件事。",
};

const [SHORT, LONG] = [5, 25]; // letters of a cell: more are a phrase, and a sentence

/** Say below a picture why it stays one where a page was opened from a file. */
function sayStill(place, chinese) {
  const line = document.createElement("p");
  line.textContent = STILL[chinese ? "zh" : "en"];
  place.append(line);
  place.hidden = false;
  place.dataset.state = "failed";
}

/** A field for what is looked for, on the page of results itself: on a phone the side bar with the other one is folded away. */
function searchForm(chinese) {
  const form = document.createElement("form"), field = document.createElement("input"), button = document.createElement("button");
  const note = document.createElement("p"), word = chinese ? "搜索" : "Search", asked = new URLSearchParams(location.search).get("q") ?? "";
  Object.assign(form, { className: "asking", action: location.pathname });
  Object.assign(field, { type: "search", name: "q", value: asked, required: true, ariaLabel: word });
  button.textContent = word;
  if (!asked.trim()) note.textContent = chinese ? "输入要找的内容，例如“学习率”“怎么部署”或 Classifier。" : "Enter what you look for, such as drift, confidence interval or Classifier.";
  form.append(field, button, note);
  return form;
}

/** Give a sentence in a table room, and let a long name break behind the signs in it, so that it doesn't squeeze the columns beside it. */
function fitCell(cell) {
  const { length } = cell.textContent.trim();
  if (length > LONG) cell.classList.add("long");
  else if (length > SHORT) cell.classList.add("phrase");
  const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) if (/[^\s]{18}/.test(walk.currentNode.data)) found.push(walk.currentNode);
  for (const node of found) {
    const parts = node.data.split(/(?<=[_/.=])(?=\w)/);
    node.replaceWith(...parts.flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part])));
  }
}

/** Keep the theme of the playground that of the page around it, also when the reader changes it. */
function followTheme(frame) {
  const follow = () => {
    const { theme } = document.body.dataset, page = frame.contentDocument, kept = localStorage.getItem("theme");
    const dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    if (dark === (page.documentElement.dataset.theme === "dark")) return;
    page.getElementById("theme").click(); // which keeps "light" or "dark", where the page may have kept "auto"
    if (kept) localStorage.setItem("theme", kept);
  };
  new MutationObserver(follow).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
  follow();
}

document.addEventListener("DOMContentLoaded", () => {
  const tree = document.querySelector(".sidebar-tree"), pane = document.querySelector(".sidebar-scroll");
  for (const caption of tree?.querySelectorAll(":scope > p.caption") ?? []) {
    const list = caption.nextElementSibling, part = document.createElement("details"), name = document.createElement("summary");
    name.textContent = caption.textContent;
    part.open = Boolean(list.querySelector(".current-page")) || (!tree.querySelector(".current-page") && caption === tree.querySelector("p.caption"));
    caption.replaceWith(part);
    part.append(name, list);
  }
  // What scrolls can be scrolled by keys, an empty head of a table is a cell, and the two side bars have names.
  const chinese = document.documentElement.lang.startsWith("zh");
  document.querySelectorAll("article table.docutils td").forEach(fitCell);
  for (const part of document.querySelectorAll("article pre, article .formula, article table.docutils")) if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  for (const head of document.querySelectorAll("article th")) if (!head.textContent.trim()) head.replaceWith(document.createElement("td"));
  for (const [name, words] of [["sidebar", chinese ? "页面" : "Pages"], ["toc", chinese ? "本页内容" : "On this page"]]) document.querySelector(`.${name}-drawer`)?.setAttribute("aria-label", words);

  const article = document.querySelector("article");
  if (article && !article.querySelector("h1")) { // the page of search results
    const head = document.createElement("h1");
    head.textContent = document.title.split(" - ")[0];
    article.prepend(head, searchForm(chinese));
  }

  // Sphinx's excerpts begin with the first words of a page, which are the link to the other language.
  if (typeof Search !== "undefined") {
    const whole = Search.htmlToText;
    Search.htmlToText = (page, anchor) => whole(page.replace(/<p class="languages">.*?<\/p>/s, ""), anchor);
  }

  const here = tree?.querySelector(".current-page:not(:has(.current-page))");
  if (here && pane) pane.scrollTo({ top: here.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.clientHeight / 3, behavior: "instant" });

  offerVersions(chinese);

  const place = document.querySelector(".playing");
  if (location.protocol === "file:") return document.querySelectorAll(".live[data-live], .playing").forEach((still) => sayStill(still, chinese));
  if (!place) return;
  const frame = document.createElement("iframe"), { src, language } = place.dataset;
  Object.assign(frame, { src: `${src}?embedded&language=${language}#speed=500`, title: language === "zh" ? "游乐场" : "The playground" });
  frame.onload = () => {
    new ResizeObserver(([{ target }]) => { frame.style.height = `${target.scrollHeight + 8}px`; }).observe(frame.contentDocument.body);
    followTheme(frame);
  };
  place.append(frame);
  place.classList.add("plays");
});

// Offers the other versions where they stand side by side, each in a folder of its name (tools/docs/website/versions.py).
async function offerVersions(chinese) {
  const root = new URL(`${document.documentElement.dataset.content_root}${chinese ? "../" : ""}`, location);
  const here = root.pathname.split("/").at(-2), bar = document.querySelector(".sidebar-brand");
  if (!bar || !/^(stable|\d+\.\d.*)$/.test(here)) return;
  const said = await fetch(new URL("../versions.json", root));
  if (!said.ok) return;
  const label = document.createElement("label"), select = document.createElement("select");
  label.className = "versions";
  label.append(chinese ? "版本 " : "Version ", select);
  for (const { version, stable } of await said.json()) {
    const chosen = version === here || (stable && here === "stable");
    select.add(new Option(stable ? `${version} (${chinese ? "稳定" : "stable"})` : version, version, chosen, chosen));
  }
  select.onchange = async () => {
    const other = new URL(`../${select.value}/`, root), same = new URL(location.pathname.slice(root.pathname.length), other);
    location.href = (await fetch(same, { method: "HEAD" })).ok ? same : other; // a page may be newer than a version
  };
  bar.after(label);
}
