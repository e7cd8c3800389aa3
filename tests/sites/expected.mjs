// What the import of each site of this folder must find. Titles, because addresses are the importer's.

/** @type {{folder: string, published: string[], drafts: string[], reported: string[], images: number, tags: string[]}[]}
 *  reported: texts that the import's report must contain (files not understood, remote images)
 *  images: how many different pictures the published posts show from the site's own files */
export const sites = [
  {
    folder: "jekyll-walks",
    published: [
      "The ridge before breakfast", "Rain in both boots: a report", "A day that is not always there",
      "Une gare déserte à midi", "Notes from the other machine", "With a mark in front",
      "A heading is all the title it has", "Two borders, one path", "A sun that turns",
    ],
    drafts: ["A walk I have not taken", "Kept back for the editor"],
    reported: ["2022-01-10-broken-front-matter.md", "https://tides.example/tables/2020-02.png", "lost.png", "{% include figure.html"],
    // A fourth stands in an include of the site's own templates: reported, and left as text.
    images: 3,
    tags: ["ridge", "rain", "leap", "borders"],
  },
  {
    folder: "hugo-observatory",
    published: [
      "First light", "A table of moons", "JSON in front", "Comet night", "Cold bearings",
      "Über den Königstuhl", "Notes with two line ends", "观测日志:土星的光环", "42",
    ],
    drafts: ["Half written"],
    reported: ["bad-toml.md", "http://cam.example/roof/latest.jpg"],
    images: 3,
    tags: ["telescope", "moons", "comet", "土星"],
  },
  {
    folder: "zola-workshop",
    published: [
      "The first joint", "Planing by ear", "A script for the saw", "YAML is allowed here",
      "Bonjour de l’atelier", "ورشة النجارة", "From the DOS machine", "Invisible first bytes",
      "Säge, Höhe, Maß", "Glue, in four folders",
    ],
    drafts: ["Unfinished bench"],
    reported: ["broken.md", "https://drawings.example/bench.svg"],
    images: 2,
    tags: ["wood", "rust", "yaml", "خشب"],
  },
];
