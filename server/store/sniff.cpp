#include "server/store/sniff.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace sx::store {
namespace {

constexpr std::size_t kHead = 4096;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view mime;
};
using namespace std::string_view_literals;

constexpr Magic kMagics[] = {
    {0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
    {0, "\xff\xd8\xff"sv, "image/jpeg"},
    {0, "GIF87a"sv, "image/gif"},
    {0, "GIF89a"sv, "image/gif"},
    {0, "BM"sv, "image/bmp"},
    {0, "\0\0\1\0"sv, "image/x-icon"},
    {0, "II*\0"sv, "image/tiff"},
    {0, "MM\0*"sv, "image/tiff"},
    {0, "%PDF-"sv, "application/pdf"},
    {0, "OggS\0"sv, "application/ogg"},
    {0, "ID3"sv, "audio/mpeg"},
    {0, "fLaC"sv, "audio/flac"},
    {0, "\x1a\x45\xdf\xa3"sv, "video/webm"},
    {0, "PK\3\4"sv, "application/zip"},
    {0, "\x1f\x8b\x08"sv, "application/gzip"},
    {0, "\x28\xb5\x2f\xfd"sv, "application/zstd"},
    {0, "wOFF"sv, "font/woff"},
    {0, "wOF2"sv, "font/woff2"},
    {0, "OTTO"sv, "font/otf"},
    {0, "\0\1\0\0\0"sv, "font/ttf"},
    {0, "\0asm"sv, "application/wasm"},
};

bool has(std::string_view bytes, std::size_t offset, std::string_view part) {
  return bytes.size() >= offset && bytes.substr(offset).starts_with(part);
}

// ISO media files: a box "ftyp" whose brands say what it is.
std::string_view sniff_ftyp(std::string_view bytes) {
  if (!has(bytes, 4, "ftyp") || bytes.size() < 16) return {};
  std::size_t end = 0;
  for (int i = 0; i < 4; ++i) end = end << 8 | static_cast<unsigned char>(bytes[i]);
  end = std::min({end, bytes.size(), std::size_t{256}});
  std::string_view found = "video/mp4";
  for (std::size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {
    const std::string_view brand = bytes.substr(at, 4);
    if (brand == "avif" || brand == "avis") return "image/avif";
    if (brand == "heic" || brand == "heix" || brand == "mif1") found = "image/heic";
    if (brand == "qt  ") found = "video/quicktime";
    if (brand == "M4A ") found = "audio/mp4";
  }
  return found;
}

bool starts_with_word(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  return std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
    return a == std::tolower(static_cast<unsigned char>(b));
  });
}

// Markup by its first element, behind byte order mark, blanks, comments, declaration and doctype.
std::string_view sniff_markup(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  bool xml = false;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n\f"), text.size()));
    std::string_view end;
    if (text.starts_with("<!--")) {
      end = "-->";
    } else if (text.starts_with("<?")) {
      xml = xml || starts_with_word(text, "<?xml");
      end = "?>";
    } else if (starts_with_word(text, "<!doctype html")) {
      return "text/html";
    } else if (starts_with_word(text, "<!doctype")) {
      const std::size_t close = text.find('>'), subset = text.find('[');
      end = subset < close ? "]>" : ">";
    } else {
      break;
    }
    const std::size_t at = text.find(end);
    if (at == std::string_view::npos) return xml ? "application/xml" : std::string_view{};
    text.remove_prefix(at + end.size());
  }
  if (starts_with_word(text, "<svg") || (xml && text.find(":svg") < text.find('>')))
    return "image/svg+xml";
  for (std::string_view tag : {"<html", "<head", "<body", "<script", "<iframe", "<title", "<style",
                               "<table", "<div", "<h1", "<p>", "<a ", "<img", "<br"})
    if (starts_with_word(text, tag)) return "text/html";
  return xml ? "application/xml" : std::string_view{};
}

// UTF-8 without control characters. `cut`: the text may end inside a character.
bool is_text(std::string_view bytes, bool cut) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte < 0x80) {
      if (byte == 0x7f ||
          (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f'))
        return false;
      ++i;
      continue;
    }
    const int length = byte >= 0xc2 && byte <= 0xdf   ? 2
                       : (byte & 0xf0) == 0xe0        ? 3
                       : byte >= 0xf0 && byte <= 0xf4 ? 4
                                                      : 0;
    if (length == 0) return false;
    for (int k = 1; k < length; ++k) {
      if (i + k >= bytes.size()) return cut;
      if ((static_cast<unsigned char>(bytes[i + k]) & 0xc0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

}  // namespace

std::string_view sniff_mime(std::string_view bytes) {
  const bool cut = bytes.size() > kHead;
  bytes = bytes.substr(0, kHead);
  if (has(bytes, 0, "RIFF")) {
    if (has(bytes, 8, "WEBP")) return "image/webp";
    if (has(bytes, 8, "WAVE")) return "audio/wav";
  }
  if (const auto mime = sniff_ftyp(bytes); !mime.empty()) return mime;
  for (const Magic& magic : kMagics)
    if (has(bytes, magic.offset, magic.bytes) &&
        !(magic.mime == "image/bmp" && is_text(bytes, cut)))
      return magic.mime;
  // An MPEG audio frame: 11 sync bits, a layer, neither a free nor a bad bit rate.
  if (bytes.size() > 3 && bytes[0] == '\xff' && (bytes[1] & 0xe0) == 0xe0 &&
      (bytes[1] & 0x06) != 0 && (bytes[2] & 0xf0) != 0xf0 && (bytes[2] & 0xf0) != 0)
    return "audio/mpeg";
  if (const auto mime = sniff_markup(bytes); !mime.empty()) return mime;
  if (!bytes.empty() && is_text(bytes, cut)) return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

bool is_raster_image(std::string_view mime) {
  for (std::string_view safe : {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
    if (mime == safe) return true;
  return false;
}

}  // namespace sx::store
