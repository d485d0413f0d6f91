// From structs to JSON. Written by hand: RapidJSON's writer keeps a stack of its own, an allocation for each event, and
// a table that says what comes next knows already where the commas are.
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>

#include <simdjson.h>

#include <daybook/sourcing/json_type.h>

#include "sourcing/json_integer.h"
#include "sourcing/json_time.h"

namespace daybook::json {
namespace {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  // False: it cannot be written, and error() says why.
  bool write(const Type& type, const void* value, int depth);

  [[nodiscard]] Error error() const {
    return {.code = Errc::bad_event, .what = what_, .detail = ErrorText("field " + path_)};
  }

 private:
  bool write_object(const Type& type, const void* object, int depth);
  bool write_list(const Type& type, const void* list, int depth);
  bool write_map(const Type& type, const void* map, int depth);
  bool write_string(std::string_view text);
  bool write_double(double value, std::size_t size);
  bool write_enumerator(const Type& type, const void* value);

  template <typename Number>
  bool write_number(Number number) {
    std::array<char, 32> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    out_.append(text.data(), end);
    return true;
  }

  bool refuse(const char* what) {
    what_ = what;
    return false;
  }
  bool below(std::string_view name) {
    path_ = std::string(name) + (path_.empty() || path_.front() == '[' ? "" : ".") + path_;
    return false;
  }

  std::string& out_;
  const char* what_ = "";
  std::string path_;  // of what could not be written, from the inside out
};

bool Writer::write(const Type& type, const void* value, int depth) {
  if (depth > kDepthMax) return refuse("nested too deep");
  switch (type.kind) {
    case Kind::boolean: out_ += *static_cast<const bool*>(value) ? "true" : "false"; return true;
    case Kind::signed_integer: return write_number(load_signed(value, type.size));
    case Kind::unsigned_integer: return write_number(load_unsigned(value, type.size));
    case Kind::floating:
      if (type.size == sizeof(float)) return write_double(*static_cast<const float*>(value), type.size);
      return write_double(*static_cast<const double*>(value), type.size);
    case Kind::string: return write_string(*static_cast<const std::string*>(value));
    case Kind::timestamp:
      out_ += '"';
      append_time(*static_cast<const Timestamp*>(value), out_);
      out_ += '"';
      return true;
    case Kind::enumeration: return write_enumerator(type, value);
    case Kind::optional: {
      const void* const inside = type.optional.get(value);
      if (inside != nullptr) return write(*type.element, inside, depth);
      out_ += "null";
      return true;
    }
    case Kind::list:
    case Kind::array: return write_list(type, value, depth);
    case Kind::map: return write_map(type, value, depth);
    case Kind::object: return write_object(type, value, depth);
  }
  return refuse("unknown kind");
}

bool Writer::write_object(const Type& type, const void* object, int depth) {
  out_ += '{';
  bool first = true;
  for (const Field& field : type.fields) {
    // The table is one for reading and writing, and so not const.
    const void* const value = field.member(const_cast<void*>(object));
    if (field.type->kind == Kind::optional && field.type->optional.get(value) == nullptr) continue;
    out_ += first ? "\"" : ",\"";
    out_ += field.name;
    out_ += "\":";
    if (!write(*field.type, value, depth + 1)) return below(field.name);
    first = false;
  }
  out_ += '}';
  return true;
}

bool Writer::write_list(const Type& type, const void* list, int depth) {
  out_ += '[';
  const std::size_t size = type.list.size(list);
  for (std::size_t i = 0; i < size; ++i) {
    if (i != 0) out_ += ',';
    if (!write(*type.element, type.list.at(list, i), depth + 1)) return below("[" + std::to_string(i) + "]");
  }
  out_ += ']';
  return true;
}

bool Writer::write_map(const Type& type, const void* map, int depth) {
  struct Walk {
    Writer& writer;
    const Type& element;
    int depth;
    bool first = true;
  } walk{*this, *type.element, depth + 1};
  out_ += '{';
  const bool whole = type.map.each(map, &walk, [](void* context, std::string_view key, const void* value) {
    auto& [writer, element, inside, first] = *static_cast<Walk*>(context);
    if (!first) writer.out_ += ',';
    first = false;
    if (!writer.write_string(key)) return writer.below("[a key]");
    writer.out_ += ':';
    return writer.write(element, value, inside) || writer.below("[\"" + std::string(key) + "\"]");
  });
  out_ += '}';
  return whole;
}

bool Writer::write_string(std::string_view text) {
  if (!simdjson::validate_utf8(text)) return refuse("text is not UTF-8");
  out_ += '"';
  std::size_t begin = 0;  // of what has not been written yet
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out_.append(text.substr(begin, i - begin));
    begin = i + 1;
    constexpr std::string_view hex = "0123456789abcdef";
    switch (c) {
      case '"': out_ += "\\\""; break;
      case '\\': out_ += "\\\\"; break;
      case '\n': out_ += "\\n"; break;
      case '\r': out_ += "\\r"; break;
      case '\t': out_ += "\\t"; break;
      default: (out_ += "\\u00") += {hex[c >> 4], hex[c & 15]};
    }
  }
  out_.append(text.substr(begin));
  out_ += '"';
  return true;
}

bool Writer::write_double(double value, std::size_t size) {
  if (!std::isfinite(value)) return refuse("number is not finite");
  return size == sizeof(float) ? write_number(static_cast<float>(value)) : write_number(value);
}

bool Writer::write_enumerator(const Type& type, const void* value) {
  const std::int64_t number = type.enumeration.load(value);
  for (const Enumerator& enumerator : type.enumerators) {
    if (enumerator.value == number) return write_string(enumerator.name);
  }
  return refuse("enumerator without a name");
}

}  // namespace

Result<void> encode(const Type& type, const void* object, std::string& out) {
  const std::size_t before = out.size();
  Writer writer(out);
  if (writer.write(type, object, 1)) return {};
  out.resize(before);
  return fail(writer.error());
}

}  // namespace daybook::json
