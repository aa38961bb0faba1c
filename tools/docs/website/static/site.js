// What the theme lacks: parts of the side bar that open and close, the side bar at the page that is read, other versions of the site, and
// the playground on the home page.
const STILL = {
  en: "This plays on the site, or with python -m http.server in the site's folder: a browser loads no modules from files. The picture above shows the same.",
  zh: "这里的图要从网站打开才会动，或者在网站的文件夹里运行 python -m http.server：浏览器不从文件加载模块。上面的图片说的是同一件事。",
};

/** Say below a picture why it stays one where a page was opened from a file. */
function sayStill(place, chinese) {
  const line = document.createElement("p");
  line.textContent = STILL[chinese ? "zh" : "en"];
  place.append(line);
  place.hidden = false;
  place.dataset.state = "failed";
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
  for (const part of document.querySelectorAll("article pre, article .formula, article table.docutils")) if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  for (const head of document.querySelectorAll("article th")) if (!head.textContent.trim()) head.replaceWith(document.createElement("td"));
  for (const [name, words] of [["sidebar", chinese ? "页面" : "Pages"], ["toc", chinese ? "本页内容" : "On this page"]]) document.querySelector(`.${name}-drawer`)?.setAttribute("aria-label", words);

  const article = document.querySelector("article");
  if (article && !article.querySelector("h1")) { // the page of search results
    const head = document.createElement("h1");
    head.textContent = document.title.split(" - ")[0];
    article.prepend(head);
  }

  const here = tree?.querySelector(".current-page:not(:has(.current-page))");
  if (here && pane) pane.scrollTo({ top: here.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.clientHeight / 3, behavior: "instant" });

  offerVersions(chinese);

  const place = document.querySelector(".playing");
  if (location.protocol === "file:") return document.querySelectorAll(".live[data-live], .playing").forEach((still) => sayStill(still, chinese));
  if (!place) return;
  const frame = document.createElement("iframe"), { src, language } = place.dataset;
  Object.assign(frame, { src: `${src}?embedded&language=${language}#speed=500`, title: language === "zh" ? "游乐场" : "The playground" });
  frame.onload = () => new ResizeObserver(([{ target }]) => { frame.style.height = `${target.scrollHeight + 8}px`; }).observe(frame.contentDocument.body);
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
