// From JSON to structs: simdjson's on-demand parser walks the text once, and the table of the struct says what to
// expect. Everything is consumed in order, so that nothing stays unchecked behind a value that nobody asked for.
#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <simdjson.h>

#include <daybook/sourcing/json_type.h>

#include "sourcing/json_integer.h"
#include "sourcing/json_time.h"

namespace daybook::json {
namespace {

namespace od = simdjson::ondemand;

constexpr std::size_t kFieldsMax = 256;
constexpr std::size_t kKeptMax = std::size_t{1} << 20;  // a larger buffer is given back after use

// A copy of the payload that simdjson may read beyond, and its parser. One per thread: both are reused, and a payload
// in the log is followed by whatever comes next.
struct Scratch {
  std::unique_ptr<char[]> text;
  std::size_t capacity = 0;
  od::parser parser;

  char* take(Bytes bytes) {
    const std::size_t needed = bytes.size() + simdjson::SIMDJSON_PADDING;
    if (needed > capacity) {
      text = std::make_unique_for_overwrite<char[]>(needed + needed / 2);
      capacity = needed + needed / 2;
    }
    if (!bytes.empty()) std::memcpy(text.get(), bytes.data(), bytes.size());
    std::memset(text.get() + bytes.size(), 0, simdjson::SIMDJSON_PADDING);
    return text.get();
  }

  void trim() {
    if (capacity <= kKeptMax) return;
    text.reset();
    capacity = 0;
    parser = od::parser();
  }
};

class Reader {
 public:
  // False: the text is not that of such a value, and error() says why.
  bool read_document(const Type& type, Bytes bytes, Scratch& scratch, void* object);

  [[nodiscard]] Error error() const {
    const std::string field = path_.empty() ? std::string() : "field " + path_;
    const std::string found = found_.empty() ? std::string() : (field.empty() ? "" : " = ") + found_;
    return {.code = Errc::bad_event, .what = what_, .detail = ErrorText(field + found)};
  }

 private:
  bool read(const Type& type, od::value& in, void* out, int depth);
  bool read_object(const Type& type, od::object& in, void* out, int depth);
  bool read_list(const Type& type, od::value& in, void* out, int depth);
  bool read_map(const Type& type, od::value& in, void* out, int depth);
  bool read_optional(const Type& type, od::value& in, void* out, int depth);
  bool read_bool(od::value& in, void* out);
  bool read_signed(const Type& type, od::value& in, void* out);
  bool read_unsigned(const Type& type, od::value& in, void* out);
  bool read_floating(const Type& type, od::value& in, void* out);
  bool read_string(od::value& in, void* out);
  bool read_time(od::value& in, void* out);
  bool read_enumerator(const Type& type, od::value& in, void* out);

  bool refuse(const char* what, std::string_view found = {}) {
    what_ = what;
    found_ = found;
    return false;
  }
  bool malformed(simdjson::error_code code) { return refuse(simdjson::error_message(code)); }
  // `expected` is what was looked for at `in`, which is something else, or a number that does not fit.
  bool mismatch(od::value& in, const char* expected);
  bool below(std::string_view name) {
    path_ = std::string(name) + (path_.empty() || path_.front() == '[' ? "" : ".") + path_;
    return false;
  }

  const char* what_ = "";
  std::string found_;
  std::string path_;  // of what could not be read, from the inside out
};

// The token at `in` without the spaces behind it, shortened for an error.
std::string_view token_of(od::value& in) {
  std::string_view token = in.raw_json_token();
  token = token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
  return token.substr(0, 40);
}

bool is_number(std::string_view token) {
  return !token.empty() && (token[0] == '-' || (token[0] >= '0' && token[0] <= '9'));
}

bool is_whole(std::string_view token) { return token.find_first_of(".eE") == token.npos; }

bool Reader::mismatch(od::value& in, const char* expected) { return refuse(expected, token_of(in)); }

bool Reader::read_document(const Type& type, Bytes bytes, Scratch& scratch, void* object) {
  char* const text = scratch.take(bytes);
  od::document document;
  if (auto code = scratch.parser.iterate(text, bytes.size(), scratch.capacity).get(document)) return malformed(code);
  od::object root;
  if (auto code = document.get_object().get(root)) {
    return code == simdjson::INCORRECT_TYPE ? refuse("an object is needed") : malformed(code);
  }
  if (!read_object(type, root, object, 1)) return false;
  // Out of bounds is where one should be.
  if (!document.current_location().error()) return refuse("something is behind the object");
  return true;
}

bool Reader::read(const Type& type, od::value& in, void* out, int depth) {
  if (depth > kDepthMax) return refuse("nested too deep");
  switch (type.kind) {
    case Kind::boolean: return read_bool(in, out);
    case Kind::signed_integer: return read_signed(type, in, out);
    case Kind::unsigned_integer: return read_unsigned(type, in, out);
    case Kind::floating: return read_floating(type, in, out);
    case Kind::string: return read_string(in, out);
    case Kind::timestamp: return read_time(in, out);
    case Kind::enumeration: return read_enumerator(type, in, out);
    case Kind::optional: return read_optional(type, in, out, depth);
    case Kind::list:
    case Kind::array: return read_list(type, in, out, depth);
    case Kind::map: return read_map(type, in, out, depth);
    case Kind::object: {
      od::object object;
      if (in.get_object().get(object)) return mismatch(in, "an object is needed");
      return read_object(type, object, out, depth);
    }
  }
  return refuse("unknown kind");
}

// The field that a key names. Fields come in the order of the table nearly always, so the one behind the last comes
// first. Null when there is none; then `name` is what the key says.
const Field* find_field(const Type& type, od::field& in, std::size_t next, std::string_view& name) {
  const od::raw_json_string key = in.key();
  if (next < type.fields.size() && key.unsafe_is_equal(type.fields[next].name)) return &type.fields[next];
  for (const Field& field : type.fields) {
    if (key.unsafe_is_equal(field.name)) return &field;
  }
  // It may be written with escapes.
  if (in.unescaped_key().get(name)) name = "?";
  for (const Field& field : type.fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

bool Reader::read_object(const Type& type, od::object& in, void* out, int depth) {
  std::bitset<kFieldsMax> seen;
  std::size_t next = 0;
  for (auto result : in) {
    od::field item;
    if (auto code = std::move(result).get(item)) return malformed(code);
    std::string_view name;
    const Field* const field = find_field(type, item, next, name);
    if (field == nullptr) {
      refuse("is unknown");
      return below(name);
    }
    const auto index = static_cast<std::size_t>(field - type.fields.data());
    if (seen[index]) {
      refuse("is there twice");
      return below(field->name);
    }
    seen.set(index);
    next = index + 1;
    if (!read(*field->type, item.value(), field->member(out), depth + 1)) return below(field->name);
  }
  if (seen.count() == type.fields.size()) return true;
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    const Field& field = type.fields[i];
    if (seen[i]) continue;
    if (field.type->kind != Kind::optional) {
      refuse("is missing");
      return below(field.name);
    }
    field.type->optional.reset(field.member(out));
  }
  return true;
}

bool Reader::read_list(const Type& type, od::value& in, void* out, int depth) {
  od::array array;
  if (in.get_array().get(array)) return mismatch(in, "a list is needed");
  type.list.clear(out);
  std::size_t index = 0;
  for (auto result : array) {
    od::value item;
    if (auto code = std::move(result).get(item)) return malformed(code);
    void* const element = type.list.next(out, index);
    if (element == nullptr) return refuse("too many elements");
    if (!read(*type.element, item, element, depth + 1)) return below("[" + std::to_string(index) + "]");
    ++index;
  }
  if (type.kind == Kind::array && index != type.size) return refuse("too few elements");
  return true;
}

bool Reader::read_map(const Type& type, od::value& in, void* out, int depth) {
  od::object object;
  if (in.get_object().get(object)) return mismatch(in, "an object is needed");
  type.map.clear(out);
  for (auto result : object) {
    od::field item;
    if (auto code = std::move(result).get(item)) return malformed(code);
    std::string_view key;
    if (auto code = item.unescaped_key().get(key)) return malformed(code);
    void* const element = type.map.insert(out, key);
    if (element == nullptr) {
      refuse("is there twice");
      return below("[\"" + std::string(key) + "\"]");
    }
    if (!read(*type.element, item.value(), element, depth + 1)) return below("[\"" + std::string(key) + "\"]");
  }
  return true;
}

bool Reader::read_optional(const Type& type, od::value& in, void* out, int depth) {
  bool null = false;
  if (in.is_null().get(null)) return mismatch(in, "neither null nor a value");
  if (!null) return read(*type.element, in, type.optional.emplace(out), depth);
  type.optional.reset(out);
  return true;
}

bool Reader::read_bool(od::value& in, void* out) {
  if (in.get_bool().get(*static_cast<bool*>(out))) return mismatch(in, "true or false is needed");
  return true;
}

bool Reader::read_signed(const Type& type, od::value& in, void* out) {
  std::int64_t number = 0;
  const bool parsed = !in.get_int64().get(number);
  if (parsed && store_signed(out, type.size, number)) return true;
  const std::string_view token = token_of(in);
  return refuse(is_number(token) && is_whole(token) ? "out of range" : "an integer is needed", token);
}

bool Reader::read_unsigned(const Type& type, od::value& in, void* out) {
  std::uint64_t number = 0;
  const bool parsed = !in.get_uint64().get(number);
  if (parsed && store_unsigned(out, type.size, number)) return true;
  const std::string_view token = token_of(in);
  return refuse(is_number(token) && is_whole(token) ? "out of range" : "an integer is needed", token);
}

// Whether the digits of a whole number are those of `value`. Every double from 2^53 on is whole, and printed to the
// last digit it is what the digits have to be.
bool is_exact(std::string_view digits, double value) {
  std::array<char, 330> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 0).ptr;
  return digits == std::string_view(text.data(), end);
}

bool Reader::read_floating(const Type& type, od::value& in, void* out) {
  constexpr double all_whole_double = 9007199254740992.0;  // from here on not every integer is a double
  constexpr double all_whole_float = 16777216.0;           // nor a float
  double number = 0;
  if (in.get_double().get(number)) {
    const std::string_view token = token_of(in);
    return refuse(is_number(token) ? "out of range" : "a number is needed", token);
  }
  const bool is_float = type.size == sizeof(float);
  if (std::fabs(number) >= (is_float ? all_whole_float : all_whole_double)) {
    std::string_view token = in.raw_json_token();
    token = token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
    const double held = is_float ? static_cast<double>(static_cast<float>(number)) : number;
    if (!std::isfinite(held)) return refuse("out of range", token.substr(0, 40));
    if (is_whole(token) && !is_exact(token, held))
      return refuse("a number of this type cannot be that", token.substr(0, 40));
  }
  if (is_float) {
    *static_cast<float*>(out) = static_cast<float>(number);
  } else {
    *static_cast<double*>(out) = number;
  }
  return true;
}

bool Reader::read_string(od::value& in, void* out) {
  std::string_view text;
  if (in.get_string().get(text)) return mismatch(in, "text is needed");
  static_cast<std::string*>(out)->assign(text);
  return true;
}

bool Reader::read_time(od::value& in, void* out) {
  std::string_view text;
  if (in.get_string().get(text)) return mismatch(in, "a time is needed");
  const auto time = parse_time(text);
  if (!time) return refuse("not a time like 2026-11-25T20:40:48.5Z", text.substr(0, 40));
  *static_cast<Timestamp*>(out) = *time;
  return true;
}

bool Reader::read_enumerator(const Type& type, od::value& in, void* out) {
  std::string_view text;
  if (in.get_string().get(text)) return mismatch(in, "the name of an enumerator is needed");
  for (const Enumerator& enumerator : type.enumerators) {
    if (enumerator.name != text) continue;
    type.enumeration.store(out, enumerator.value);
    return true;
  }
  return refuse("no such enumerator", text.substr(0, 40));
}

}  // namespace

Result<void> decode(const Type& type, Bytes bytes, void* object) {
  thread_local Scratch scratch;
  Reader reader;
  if (reader.read_document(type, bytes, scratch, object)) {
    scratch.trim();
    return {};  // made here: a Result that is begun early is set to zero first, all 256 bytes of it
  }
  const Result<void> failed = fail(reader.error());  // what it says may point into the scratch
  scratch.trim();
  return failed;
}

}  // namespace daybook::json
