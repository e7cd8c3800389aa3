#include "engine/format/format.h"

#include "engine/base/str.h"
#include "engine/format/layout.h"
#include "engine/reader/reader.h"
#include "engine/value/collections.h"

namespace sx {

namespace {

// Both texts read as the same forms.
Result<void> check_same(Context& cx, std::string_view before, std::string_view after,
                        const FormatOptions& options) {
  ReadOptions read;
  read.file = options.file;
  read.positions = false;
  Reader old_reader(cx, before, read), new_reader(cx, after, read);
  while (true) {
    SX_TRY(const Value old_value, old_reader.next());
    Root old_form(cx.heap, old_value);
    const Result<Value> new_form = new_reader.next();
    // Nothing is known to cause this; whatever it is must not cost anybody their source.
    if (!new_form.ok() || !equal(cx, old_form, *new_form))
      return Error{str(options.file, ":", old_reader.line(), ":", old_reader.column(),
                       ": formatting would have changed the form that ends here; the text is left "
                       "as it was. Please report it with the form")};
    if (old_form.get() == Value::eof()) return {};
  }
}

}  // namespace

Result<std::string> format_source(Context& cx, std::string_view text,
                                  const FormatOptions& options) {
  {
    ReadOptions read;
    read.file = options.file;
    read.positions = false;
    Reader reader(cx, text, read);
    while (true) {
      SX_TRY(const Value form, reader.next());
      if (form == Value::eof()) break;
    }
  }
  const std::string_view whole = text;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  std::string out;
  if (text.substr(0, 2) == "#!") {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.append(text, 0, end);
    while (!out.empty() && (out.back() == '\r' || out.back() == ' ')) out.pop_back();
    out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
    std::size_t blank = 0;
    while (blank < text.size() && (text[blank] == '\n' || text[blank] == '\r')) ++blank;
    if (blank > 0 && text.find_first_not_of(" \t\r\n\f\v") != text.npos) out += '\n';
  }
  out += format::Layout(format::tokenize(text), options.width).run();
  SX_CHECK(check_same(cx, whole, out, options));
  return out;
}

}  // namespace sx
