// What the engine needs of the glue on every page. The build makes one file of these, so that a start has one script
// less to wait for with each; what features bring finds them there too.

export * from "./kernel.js";
export * from "./dom.js";
export * from "./events.js";
export * from "./history.js";
export * from "./transport.js";
