#include <daybook/sourcing/json_type.h>

#include <algorithm>
#include <vector>

#include "sourcing/fingerprint_hash.h"

namespace daybook::json {
namespace {

// Of what a reader of the payload has to agree on. A type inside itself counts as how far up it is.
class Fingerprint {
 public:
  void add(const Type& type) {
    const auto above = std::find(path_.rbegin(), path_.rend(), &type);
    if (above != path_.rend()) return hash_.add(0x100u + static_cast<std::uint64_t>(above - path_.rbegin()));
    path_.push_back(&type);
    hash_.add(static_cast<std::uint64_t>(type.kind));
    hash_.add(std::uint64_t{type.size});
    if (type.element != nullptr) add(*type.element);
    for (const Field& field : type.fields) {
      hash_.add(field.name);
      add(*field.type);
    }
    for (const Enumerator& enumerator : type.enumerators) hash_.add(enumerator.name);
    path_.pop_back();
  }

  [[nodiscard]] std::uint64_t value() const noexcept { return hash_.value(); }

 private:
  std::vector<const Type*> path_;
  sourcing::FingerprintHash hash_;
};

}  // namespace

std::uint64_t fingerprint(const Type& type) {
  Fingerprint fingerprint;
  fingerprint.add(type);
  return fingerprint.value();
}

}  // namespace daybook::json
