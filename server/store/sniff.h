// The media type of bytes from the bytes themselves; names and headers from outside are not
// believed.
#pragma once

#include <string_view>

namespace sx::store {

// "application/octet-stream" for what is not recognised. The first 4 KiB decide.
std::string_view sniff_mime(std::string_view bytes);

// Images that a browser may show in place. Everything else (SVG and PDF too: they can hold script)
// is to be served as a download.
bool is_raster_image(std::string_view mime);

}  // namespace sx::store
