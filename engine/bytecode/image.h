// What the compiler makes and a bundle holds: plain data, no heap values, no pointers.
//
// A constant is kept encoded (bytecode/constant.h): the same value gives the same bytes, so equal
// constants share one entry and compiling is deterministic. Linking (bytecode/unit.h) turns an
// image into something that runs, whether it comes from memory or from a bundle.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sx {

enum class HandlerKind : std::uint8_t {
  Guard = 0,    // receives raised errors, but no limits and no cancellation
  Cleanup = 1,  // protect: receives every kind of unwinding; ends with EndCleanup
};

// While pc (word index) is in [from, to): unwinding continues at `target` with the error in r[reg].
// Inner entries come first.
struct HandlerEntry {
  std::uint32_t from, to, target;
  std::uint8_t reg;
  HandlerKind kind;
};

// From word index `pc` on, the code belongs to line:column (1-based).
struct LineEntry {
  std::uint32_t pc, line, column;
  // The primitive that was written there, its number + 1, where an instruction stands for several
  // ((> a b) is Lt with its operands exchanged): errors name it.
  std::uint32_t written = 0;
};

// While pc is in [from, to) r[place] belongs to the variable; a place from kCapturePlace on: to
// what the closure took along. Only errors that name variables read it.
struct LocalEntry {
  std::uint32_t from, to, place;
  std::string name;
  bool operator==(const LocalEntry&) const = default;
};
inline constexpr std::uint32_t kCapturePlace = 256;

// Registers of parameters, in this order: required, optional, keys, rest. An optional or key
// parameter that was not given is unset; the code fills in its default (JumpIfSet).
struct FunctionImage {
  std::string name;   // "persist/append", "" for an anonymous function
  std::string usage;  // "(persist/append backend stream type at data)": arity errors print it
  std::uint16_t registers = 0;
  std::uint16_t required = 0;
  std::uint16_t optional = 0;
  std::uint16_t captures = 0;
  bool rest = false;       // the last parameter takes the remaining arguments as a list
  bool component = false;  // defcomp: keyword arguments bind keys, the others are children
  std::vector<std::string> keys;
  std::vector<std::uint32_t> code;
  std::vector<HandlerEntry> handlers;
  std::vector<LineEntry> lines;
  std::vector<LocalEntry> locals;
};

enum class TemplateOp : std::uint8_t {
  Static = 0,     // text: already escaped
  Text = 1,       // hole in element content
  Attribute = 2,  // hole: the whole attribute ` name="…"`; nil/false: absent, true: bare name
  Url = 3,        // the same for an attribute that holds a URL: scheme checked
  Style = 4,      // the same for style="…": declarations checked
  // Hole: dict of attributes; each name is checked and escaped by its own context. text: names
  // written out on the element, separated by spaces, which win.
  Spread = 5,
  RawText = 6,    // hole inside <style> or <script> made by an explicit form: checked for `</`
  UrlList = 7,    // srcset, ping, …: every URL checked
  Forbidden = 8,  // on*, http-equiv … with a computed value: an error when rendered
};

struct TemplatePart {
  TemplateOp op;
  std::uint16_t hole = 0;  // not for Static
  std::string text;        // Static: the text; attributes: the name
};

struct TemplateImage {
  std::uint16_t holes = 0;
  std::vector<TemplatePart> parts;
};

// Portable: a component whose calls may travel.
enum class ExportKind : std::uint8_t { Value = 0, Macro = 1, Component = 2, Portable = 3 };

struct Export {
  std::string name;
  ExportKind kind = ExportKind::Value;
  std::string doc;
  std::string usage;
  std::string hash{};  // of a portable component: what it is called in wire text
};

// What a portable component gives: markup that shows its first hole, what was computed; the others
// are the component's name, its arguments by name, and its children. No template of elements has
// more holes than places for them.
inline constexpr std::uint16_t kCallHoles = 4;

struct UnitImage {
  std::string module;             // "persist/log"; "" for a script
  std::string file;               // as shown in backtraces, relative: "lib/persist/log.sx"
  std::string source_hash;        // SHA-256 (hex) of the source text
  std::vector<std::string> uses;  // module paths, in source order
  std::vector<Export> exports;
  std::vector<std::string> requires_ops;  // ops named by literal perform requests
  std::vector<std::string> constants;     // encoded
  std::vector<std::string> globals;       // full names: exported as written, private "module#name"
  std::vector<FunctionImage> functions;   // [0] runs the top-level forms and returns the last value
  std::vector<TemplateImage> templates;
};

}  // namespace sx
