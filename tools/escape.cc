#include "escape.h"

#include <cstdint>
#include <iterator>

#include <fmt/format.h>

namespace daybook::tools {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;  // in bytes; 0 = not UTF-8
};

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// The first character of a text that is not empty.
Character decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  std::uint32_t code = lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return {};
    code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return {};
  return {code, size};
}

bool is_dangerous(std::uint32_t code) {
  return (code >= 0x80 && code <= 0x9f) ||                      // C1: 0x9b is ESC [
         code == 0x061c || code == 0x200e || code == 0x200f ||  // direction marks
         (code >= 0x2028 && code <= 0x202e) ||                  // separators, embeddings, overrides
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;  // isolates; byte order mark
}

void append_ascii(char character, std::string& text) {
  const auto code = static_cast<unsigned char>(character);
  switch (character) {
    case '\n': text += "\\n"; return;
    case '\t': text += "\\t"; return;
    case '\r': text += "\\r"; return;
    default: break;
  }
  if (code < 0x20 || code == 0x7f) {
    fmt::format_to(std::back_inserter(text), "\\x{:02x}", code);
  } else {
    text += character;
  }
}

}  // namespace

void append_escaped(std::string_view bytes, std::string& text) {
  while (!bytes.empty()) {
    const Character character = decode(bytes);
    if (character.size == 1) {
      append_ascii(bytes.front(), text);
    } else if (character.size == 0) {
      fmt::format_to(std::back_inserter(text), "\\x{:02x}", static_cast<unsigned char>(bytes.front()));
    } else if (is_dangerous(character.code)) {
      fmt::format_to(std::back_inserter(text), "\\u{{{:x}}}", character.code);
    } else {
      text.append(bytes.substr(0, character.size));
    }
    bytes.remove_prefix(character.size == 0 ? 1 : character.size);
  }
}

std::string escaped(std::string_view bytes) {
  std::string text;
  append_escaped(bytes, text);
  return text;
}

void cut_to_columns(std::string& text, std::size_t columns) {
  if (columns == 0) return;
  std::size_t count = 0;
  std::size_t cut = 0;  // where the last character that fits begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_continuation(text[i])) continue;
    if (++count == columns) cut = i;
    if (count > columns) {
      text.resize(cut);
      text += "…";
      return;
    }
  }
}

}  // namespace daybook::tools
