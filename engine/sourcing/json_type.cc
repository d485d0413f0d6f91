#include <daybook/sourcing/json_type.h>

#include <algorithm>
#include <vector>

namespace daybook::json {
namespace {

constexpr std::uint64_t kFnvOffset = 0xcbf29ce484222325u;
constexpr std::uint64_t kFnvPrime = 0x100000001b3u;

// FNV-1a of what a reader of the payload has to agree on. A type inside itself counts as how far up it is.
class Fingerprint {
 public:
  void add(const Type& type) {
    const auto above = std::find(path_.rbegin(), path_.rend(), &type);
    if (above != path_.rend()) return add(0x100u + static_cast<std::uint64_t>(above - path_.rbegin()));
    path_.push_back(&type);
    add(static_cast<std::uint64_t>(type.kind));
    add(type.size);
    if (type.element != nullptr) add(*type.element);
    for (const Field& field : type.fields) {
      add(field.name);
      add(*field.type);
    }
    for (const Enumerator& enumerator : type.enumerators) add(enumerator.name);
    path_.pop_back();
  }

  [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

 private:
  void add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<std::uint8_t>(number >> shift));
  }
  void add(std::string_view name) {
    add(name.size());
    for (const char c : name) byte(static_cast<std::uint8_t>(c));
  }
  void byte(std::uint8_t value) { hash_ = (hash_ ^ value) * kFnvPrime; }

  std::vector<const Type*> path_;
  std::uint64_t hash_ = kFnvOffset;
};

}  // namespace

std::uint64_t fingerprint(const Type& type) {
  Fingerprint fingerprint;
  fingerprint.add(type);
  return fingerprint.value();
}

}  // namespace daybook::json
