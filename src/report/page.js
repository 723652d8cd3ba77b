"use strict";
// Each page of clusters is a script element that the browser does not run. Only the page that is shown becomes elements.
const pages = [...document.querySelectorAll("script.page")];
const END = "<i class=end></i>";
const [list, status, search, back, next] = ["page", "status", "search", "back", "next"].map((id) => document.getElementById(id));
const SHOWN = 50;
let found = null; // the clusters that a search found; null: all
let shown = 0;

const count = () => (found ? Math.ceil(found.length / SHOWN) : pages.length);

function show(number) {
  shown = Math.max(0, Math.min(number, count() - 1));
  list.innerHTML = found ? found.slice(shown * SHOWN, (shown + 1) * SHOWN).join("") : pages.length ? pages[shown].textContent : "";
  back.disabled = shown <= 0;
  next.disabled = shown >= count() - 1;
  const all = list.dataset.clusters;
  const what = found ? `${found.length} found` : all === "1" ? "1 cluster" : `${all} clusters`;
  status.textContent = count() ? `${what}, page ${shown + 1} of ${count()}` : what;
}

// As it is written in the pages, where these characters are escaped.
const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

let run = 0;
async function look(words) {
  const own = ++run;
  found = null;
  if (words) {
    const wanted = escaped(words).toLowerCase();
    const all = [];
    for (let page = 0; page < pages.length; page++) {
      for (const cluster of pages[page].textContent.split(END)) {
        // Tags are no part of what is searched.
        if (cluster.replace(/<[^>]*>/g, "").toLowerCase().includes(wanted)) all.push(cluster + END);
      }
      if (page % 20 === 19) {
        status.textContent = `searching, ${all.length} found`;
        await new Promise((done) => setTimeout(done));
        if (own !== run) return;
      }
    }
    found = all;
  }
  show(0);
}

let wait;
search.addEventListener("input", () => {
  clearTimeout(wait);
  wait = setTimeout(() => look(search.value.trim()), 200);
});
back.addEventListener("click", () => show(shown - 1));
next.addEventListener("click", () => show(shown + 1));
document.addEventListener("keydown", (event) => {
  if (event.target === search || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") { event.preventDefault(); search.focus(); }
  if (event.key === "n" && !next.disabled) { show(shown + 1); scrollTo(0, 0); }
  if (event.key === "p" && !back.disabled) { show(shown - 1); scrollTo(0, 0); }
});
show(0);
