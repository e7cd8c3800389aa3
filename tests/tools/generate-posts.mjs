// Writes a folder of Markdown posts that are as varied as what people keep: long texts, tables, code,
// footnotes, images, twelve scripts, emoji, odd front matter, hostile HTML, colliding titles.
//
//   node tests/tools/generate-posts.mjs FOLDER [COUNT=300] [SEED=1]
//
// The same count and seed give the same bytes everywhere: no clock, no system random numbers.
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const kImages = ["photo.jpg", "chart.png", "spin.gif", "cover.webp"];

/** A small generator of numbers (mulberry32): uniform in [0, 1). @param {number} seed */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const kScripts = {
  en: "the harbour was quiet until seven and then every gull on the coast arrived at once with an opinion about bread while the ferry turned slowly under a grey sky that promised nothing and kept its word",
  zh: "清晨 的 港口 很 安静 渡船 慢慢 转身 海鸥 从 四面 飞来 天空 灰白 没有 许诺 什么 人们 站在 码头 上 等待 书信 和 面包",
  ja: "朝 の 港 は 静か で 七時 に なる と カモメ が 一斉 に やってきた 船 は ゆっくり 向き を 変え 空 は 灰色 の まま だった",
  ko: "아침 항구는 조용했다 갈매기가 한꺼번에 날아왔고 배는 천천히 몸을 돌렸다 하늘은 회색이었다",
  ar: "كان الميناء هادئا في الصباح ثم جاءت النوارس دفعة واحدة ودارت العبارة ببطء تحت سماء رمادية لم تعد بشيء",
  he: "הנמל היה שקט בבוקר ואז הגיעו כל השחפים בבת אחת והמעבורת הסתובבה לאט מתחת לשמיים אפורים",
  hi: "सुबह बंदरगाह शांत था फिर सारे पक्षी एक साथ आ गए और नाव धीरे धीरे मुड़ी आसमान धूसर था",
  th: "ท่าเรือ เงียบ ใน ตอน เช้า แล้ว นก ก็ มา พร้อม กัน เรือ หัน ช้า ๆ ใต้ ฟ้า สี เทา",
  el: "το λιμάνι ήταν ήσυχο ως τις επτά και ύστερα ήρθαν όλοι οι γλάροι μαζί κάτω από έναν γκρίζο ουρανό",
  ru: "гавань была тиха до семи потом прилетели все чайки сразу и паром медленно повернулся под серым небом",
  tr: "liman yediye kadar sessizdi sonra bütün martılar aynı anda geldi ve İstanbul vapuru ağır ağır döndü ığdır şöyle",
  vi: "bến cảng yên tĩnh cho đến bảy giờ rồi tất cả chim hải âu cùng bay đến dưới bầu trời xám",
};
const kLanguages = Object.keys(kScripts);
const kEmoji = ["👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "🧑🏿‍🚀", "❤️‍🔥", "🐈‍⬛", "☃️", "1️⃣", "🫠"];

// Titles that meet each other, and the first path segments that routes own.
const kCollisions = ["Harbour notes", "harbour  notes!", "Harbour-Notes", "HARBOUR NOTES", "Hárbour notes"];
const kReserved = ["static", "inbox", "flows", "activities", "fed-tick", "health", "ready", "metrics",
  "sw.js", "login", "logout", "new", "drafts", "archive", "tags", "blob", "feed", "rss.xml", "sitemap.xml", "welcome"];
const kOddTitles = ["   ", "...", "‮gnitirw desrever", "a/b\\c?d#e%f", "<b>bold</b> & \"quoted\" 'title'",
  "x".repeat(300), "👩‍👩‍👧‍👦", "Ünïcödé Ñandú Ærøskøbing", "C++ vs. C#: 100% & more", "..", "%2e%2e%2f", "nul\u0001byte"];

const kHostile = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)><circle r=9 /></svg>",
  "[click](javascript:alert(1))",
  "[click](JaVaScRiPt&#58;alert(1))",
  "![x](data:text/html,<script>alert(1)</script>)",
  "<iframe srcdoc=\"<script>parent.alert(1)</script>\"></iframe>",
  "<a href=\"java\tscript:alert(1)\">tab</a>",
  "<form action=/logout method=post><button>win a prize</button></form>",
  "<div sx-get=\"/drafts\" sx-trigger=\"load\" data-sx-state=\"{}\">x</div>",
  "<style>body{display:none}</style><p style=\"position:fixed;inset:0\">over</p>",
  "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
  "<p title=\"`<img src=x onerror=alert(1)>`\">mutation</p>",
  "<meta http-equiv=refresh content=\"0;url=https://evil.example\">",
  "<base href=\"https://evil.example/\"><object data=x></object><embed src=x>",
  "</article></main></body></html><h1>outside</h1>",
  "<!-- --!><script>alert(1)</script> --> <![CDATA[<script>alert(1)</script>]]>",
  "<details open ontoggle=alert(1)><summary>s</summary>d</details>",
  "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
  "<a id=content name=body href=\"vbscript:x\" target=_blank>clobber</a>",
];

/** Everything of one post. @param {number} index @param {number} seed */
function makePost(index, seed) {
  const random = randomFrom(seed * 1_000_003 + index * 7919);
  const below = (n) => Math.floor(random() * n);
  const pick = (list) => list[below(list.length)];
  const language = index % 3 === 0 ? pick(kLanguages) : "en";
  const vocabulary = kScripts[language].split(" ");
  const sentence = () => {
    const words = Array.from({ length: 5 + below(14) }, () => pick(vocabulary));
    const joined = words.join(language === "zh" || language === "ja" ? "" : " ");
    return joined[0].toUpperCase() + joined.slice(1) + (language === "zh" || language === "ja" ? "。" : ".");
  };
  const paragraph = () => Array.from({ length: 2 + below(5) }, sentence).join(" ");

  let title = `${sentence().slice(0, 40 + below(30)).replace(/[.。]$/, "")} ${index}`;
  if (index % 20 === 1) title = kCollisions[(index / 20) % kCollisions.length | 0];
  if (index % 20 === 7) title = kReserved[(index / 20) % kReserved.length | 0];
  if (index % 20 === 13) title = kOddTitles[(index / 20) % kOddTitles.length | 0];

  const images = [];
  const useImage = () => {
    const name = pick(kImages);
    images.push(name);
    return `![${sentence().slice(0, 30).replace(/[[\]]/g, "")}](images/${name}${random() < 0.3 ? ' "a title"' : ""})`;
  };
  const blocks = {
    paragraph,
    emphasis: () => `A *${pick(vocabulary)}* and a **${pick(vocabulary)}**, ~~${pick(vocabulary)}~~, \`code <b>\` ${pick(kEmoji)}`,
    heading: () => `${"#".repeat(2 + below(4))} ${sentence()}`,
    list: () => Array.from({ length: 3 + below(5) }, (_, n) => `${random() < 0.5 ? "-" : `${n + 1}.`} ${sentence()}`).join("\n"),
    nested: () => "- one\n  - two\n    - three\n\n      a paragraph in three\n- [x] done\n- [ ] not done",
    quote: () => `> ${paragraph()}\n>\n> > ${sentence()}`,
    code: () => `\`\`\`${pick(["cpp", "js", "scheme", "", "c++", "weird lang\"<"])}\n${pick([
      "template <typename T>\nT twice(const T& x) { return x + x; }  // & < >",
      "const page = `<p>${title}</p>`;\nif (a < b && c > d) run(`x`);",
      "(define (twice x) (* 2 x)) ; \"quoted\"",
      "line one\n\n\n    indented\ttab\nlast line </code></pre>",
    ])}\n\`\`\``,
    table: () => `| ${pick(vocabulary)} | count | right |\n|:--|:-:|--:|\n${Array.from({ length: 2 + below(6) },
      (_, n) => `| ${pick(vocabulary)} | ${n} | ${below(1000)} \\| ${pick(kEmoji)} |`).join("\n")}`,
    footnote: () => `A claim[^n${index}] and another[^long].\n\n[^n${index}]: ${sentence()}\n[^long]: ${sentence()}\n    ${sentence()}`,
    image: useImage,
    rule: () => "***",
    html: () => `<div class="aside">\n\n${sentence()}\n\n</div>\n<kbd>Ctrl</kbd>+<kbd>C</kbd> H<sub>2</sub>O <abbr title="Structured Expressions">SX</abbr>`,
    links: () => `<https://example.org/?a=1&b=2> [ref][r] [local](/welcome/) [empty]() www.example.org\n\n[r]: https://example.org/ref_(x) "t"`,
    entities: () => "&amp; &lt;p&gt; &copy; &nbsp; &#x1F600; &unknown; \\*escaped\\* 1 < 2 & 3 > 2",
    hostile: () => pick(kHostile),
  };
  const kinds = Object.keys(blocks).filter((kind) => kind !== "hostile");
  const count = index % 50 === 4 ? 400 : 3 + below(14);  // every fiftieth is a long read
  const body = [paragraph()];
  for (let n = 0; n < count; n++) {
    // Two definitions of one footnote in a text are an author's mistake, not what this is about.
    const kind = pick(kinds);
    if (kind !== "footnote" || !body.some((text) => text.startsWith("A claim"))) body.push(blocks[kind]());
  }
  if (index % 9 === 5) body.splice(1, 0, kHostile[(index / 9 | 0) % kHostile.length], blocks.hostile());
  if (index % 7 === 2) body.push(useImage());
  if (index % 40 === 9) body.push("![elsewhere](https://images.example/far/away.png)");

  const day = new Date(Date.UTC(2015, 0, 1) + index * 86_400_000 * 13);
  const date = day.toISOString().slice(0, 10);
  const tags = [...new Set(Array.from({ length: below(5) }, () => pick(vocabulary)))];
  const draft = index % 25 === 11;
  const quoted = JSON.stringify(title).replace(/\u0001/g, "\\u0001");
  const yaml = [
    () => `---\ntitle: ${quoted}\ndate: ${date}\ntags: ${JSON.stringify(tags)}\ndraft: ${draft}\n---\n`,
    () => `---\ntitle: ${quoted}\ndate: ${date} 08:30:00 +0530\ntags:\n${tags.map((tag) => `  - ${JSON.stringify(tag)}\n`).join("") || "  []\n"}draft: ${draft}\nauthor:\n  name: "O'Brien"\n---\n`,
    () => `---\ndate: "${date}T23:59:60Z"\ntitle: |-\n  ${title.trim() === "" ? "..." : title.replace(/\u0001/g, "").trim()}\ncategories: ${tags[0] ? JSON.stringify(tags[0]) : "~"}\ndraft: ${draft}\nunknown_key: {a: [1, 2, {b: null}]}\n---\n`,
    () => `---\r\ntitle: ${quoted} # a comment\r\ndate: ${date}\r\nkeywords: >\r\n  folded\r\n  text\r\ndraft: ${draft}\r\n---\r\n`,
    () => `+++\ntitle = ${quoted}\ndate = ${date}\ntags = ${JSON.stringify(tags)}\ndraft = ${draft}\n+++\n`,
  ];
  const front = yaml[index % 10 === 3 ? 1 + below(4) : 0]();
  return { name: `${date}-post-${String(index).padStart(3, "0")}.md`, text: `${front}\n${body.join("\n\n")}\n`, title, draft, images };
}

const [folder, count = "300", seed = "1"] = process.argv.slice(2);
if (!folder || !/^\d+$/.test(count) || !/^\d+$/.test(seed)) {
  console.error("generate-posts: expected FOLDER [COUNT] [SEED]");
  process.exit(2);
}
const sources = join(dirname(fileURLToPath(import.meta.url)), "images");
if (existsSync(folder) && readdirSync(folder).length > 0) {
  console.error(`generate-posts: ${folder} is not empty, expected a new folder`);
  process.exit(1);
}
mkdirSync(join(folder, "images"), { recursive: true });
for (const image of kImages) copyFileSync(join(sources, image), join(folder, "images", image));
let drafts = 0;
for (let index = 0; index < Number(count); index++) {
  const post = makePost(index, Number(seed));
  drafts += Number(post.draft);
  writeFileSync(join(folder, post.name), post.text);
}
console.log(JSON.stringify({ folder, posts: Number(count), drafts }));
