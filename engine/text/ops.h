// The operations behind text_request, each writing its reply.
#pragma once

#include "engine/text/reply.h"
#include "engine/text/text.h"

namespace sx::text {

void scan(Reply& reply, std::string_view pattern, std::string_view subject, std::uint32_t from,
          std::uint32_t options);
void check_pattern(Reply& reply, std::string_view pattern);

void normalize(Reply& reply, std::string_view s, NormalForm form);
void fold_case(Reply& reply, std::string_view s);
void map_case(Reply& reply, std::string_view s, TextOp op);
void graphemes(Reply& reply, std::string_view s);
void width(Reply& reply, std::string_view s);
void category(Reply& reply, std::uint32_t c);
void properties(Reply& reply, std::uint32_t c);

}  // namespace sx::text
