// The walk that makes HTML of markup values, one piece after another: iterative, resumable between
// any two pieces, without allocations on the SX heap. render.h runs it to the end, html_stream.h
// stops it whenever enough has come together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/bytecode/unit.h"
#include "engine/gc/context.h"
#include "engine/render/html_buffer.h"

namespace sx {

struct RenderLimits {
  std::size_t bytes_max = std::size_t{256} << 20;
  // Parts looked at: shared structure can be endless without writing a byte.
  std::uint64_t steps_max = std::uint64_t{1} << 26;
};

class HtmlWriter {
 public:
  HtmlWriter(const Context& cx, HtmlBuffer& out, const RenderLimits& limits = {})
      : cx_(cx), out_(out), limits_(limits) {}

  Result<void> start(Value markup) { return child(markup, false); }
  // Writes until at least `enough` bytes lie in the buffer or everything is written. After an
  // error the buffer holds what came before it.
  Result<void> run(std::size_t enough = SIZE_MAX);
  bool done() const { return levels_.empty(); }
  std::uint64_t steps() const { return steps_; }
  // The values still to be written are roots; without calls, nothing may allocate during a walk.
  void visit(Visitor& visitor);

 private:
  friend class DomWriter;  // prim/prim_dom.cpp: the same text of attributes
  // Something whose parts are being written: a template (next part), an element (0: begin, 1: end
  // tag), a list (what is left), a vector or set (next index), a long string (next byte).
  struct Level {
    Value value;
    std::uint32_t at;
    bool raw_text;  // inside <style> or <script>
    bool escaped;   // a string: not raw
  };
  struct KeyName {
    std::uint32_t id = UINT32_MAX;
    TemplateOp op = TemplateOp::Attribute;
  };

  Result<void> step();
  Result<void> parts();
  Result<void> child(Value v, bool raw_text);
  Result<void> unusual_child(Value v, bool raw_text);
  Result<void> element();
  Result<void> raw(Value text, bool raw_text);
  void string_slice();
  void push(Value v, bool raw_text, bool escaped = true) {
    levels_.push_back({v, 0, raw_text, escaped});
  }
  void text_piece(Value string, bool escaped);

  // Attributes: html_attributes.cpp
  Result<void> attribute(TemplateOp op, std::string_view name, Value v);
  Result<void> composed_attribute(TemplateOp op, std::string_view name, Value v);
  Result<void> attribute_of(TemplateOp op, std::string_view name, std::string_view text);
  Result<void> named_attribute(Value key, Value v, std::string_view written);
  Result<void> spread(Value v, std::string_view written);
  Result<void> attribute_text(std::string_view name, Value v, std::string& text);
  Result<void> style_text(Value v, std::string& text);
  bool simple_text(Value v, std::string& text) const;

  const Context& cx_;
  HtmlBuffer& out_;
  RenderLimits limits_;
  std::size_t enough_ = SIZE_MAX;
  std::uint64_t steps_ = 0;
  std::vector<Level> levels_;
  KeyName names_[64];  // what attribute names say, by keyword
};

// The template behind (frag …): one hole in element content. Not of any unit.
const TemplateInfo& fragment_template();
// The template behind elements with a computed tag: holes are the tag (keyword or string), the
// children, then names (keyword or string; :& with a dict of attributes) and values of attributes.
const TemplateInfo& element_template();
// The template behind (%keyed key markup): a fragment with one more slot behind its hole, the key.
const TemplateInfo& keyed_template();
// Is this a handler of the page (a function as the value of on-click …) or none? Shows nothing.
bool handler_attribute(std::string_view name, Value v);

// Can an element with a computed tag be called this? [a-zA-Z][-a-zA-Z0-9:._]*, but nothing that
// runs code, loads a page or reads its content in another way than as escaped text: script, style,
// iframe, xmp …
bool computed_tag_allowed(std::string_view tag);
bool tag_is_void(std::string_view tag);

}  // namespace sx
