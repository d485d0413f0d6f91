#include <daybook/sourcing/difference.h>

#include <algorithm>

#include <rapidjson/document.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace daybook {
namespace {

using Value = rapidjson::Value;

// Comparing and writing follow the nesting of a document by recursion, so it is looked at first.
constexpr int kDepthMax = 64;

struct DepthCheck : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, DepthCheck> {
  bool StartObject() { return ++depth <= kDepthMax; }
  bool StartArray() { return ++depth <= kDepthMax; }
  bool EndObject(rapidjson::SizeType) { return --depth >= 0; }
  bool EndArray(rapidjson::SizeType) { return --depth >= 0; }
  int depth = 0;
};

Result<void> parse(std::string_view text, rapidjson::Document& document) {
  rapidjson::MemoryStream first(text.data(), text.size());
  rapidjson::Reader reader;
  DepthCheck check;
  if (reader.Parse<rapidjson::kParseIterativeFlag>(first, check).IsError()) {
    return fail({.code = Errc::invalid_argument,
                 .what = "state is not JSON, or is nested beyond 64",
                 .actual = reader.GetErrorOffset()});
  }
  document.Parse<rapidjson::kParseFullPrecisionFlag>(text.data(), text.size());
  return {};
}

std::string_view view(const Value& string) { return {string.GetString(), string.GetStringLength()}; }

class Differ {
 public:
  void compare(const std::string& path, const Value* before, const Value* after) {
    if (before != nullptr && after != nullptr) {
      if (*before == *after) return;
      if (before->IsObject() && after->IsObject()) return compare_members(path, *before, *after);
      if (before->IsArray() && after->IsArray()) return compare_elements(path, *before, *after);
    }
    changes_.push_back({.field = path, .before = text(before), .after = text(after)});
  }

  std::vector<FieldChange> take() { return std::move(changes_); }

 private:
  void compare_members(const std::string& path, const Value& before, const Value& after) {
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const auto& member : before.GetObject()) {
      const auto other = after.FindMember(member.name);
      compare(prefix + std::string(view(member.name)), &member.value,
              other == after.MemberEnd() ? nullptr : &other->value);
    }
    for (const auto& member : after.GetObject()) {
      if (before.HasMember(member.name)) continue;
      compare(prefix + std::string(view(member.name)), nullptr, &member.value);
    }
  }

  void compare_elements(const std::string& path, const Value& before, const Value& after) {
    for (rapidjson::SizeType i = 0; i < std::max(before.Size(), after.Size()); ++i) {
      compare(path + "[" + std::to_string(i) + "]", i < before.Size() ? &before[i] : nullptr,
              i < after.Size() ? &after[i] : nullptr);
    }
  }

  static std::string text(const Value* value) {
    if (value == nullptr) return "";
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    value->Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
  }

  std::vector<FieldChange> changes_;
};

}  // namespace

Result<std::vector<FieldChange>> json_difference(std::string_view before, std::string_view after) {
  rapidjson::Document documents[2];
  DAYBOOK_TRY(parse(before, documents[0]));
  DAYBOOK_TRY(parse(after, documents[1]));
  Differ differ;
  differ.compare("", &documents[0], &documents[1]);
  return differ.take();
}

}  // namespace daybook
