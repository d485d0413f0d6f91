// Any bytes as JSON of a struct with every kind of member: refused with a reason, or a value that is written and read
// again as the same value.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "sourcing/every_kind.h"

namespace {

using daybook::Codec;
using daybook::testing::EveryKind;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz_json: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  EveryKind value;
  if (const auto done = Codec<EveryKind>::decode(input, value); !done) {
    require(done.error().code == daybook::Errc::bad_event && *done.error().what != '\0', "an error without a reason");
    return 0;
  }
  std::string text;
  require(Codec<EveryKind>::encode(value, text).has_value(), "what was read cannot be written");
  EveryKind again;
  require(Codec<EveryKind>::decode(text, again).has_value(), "what was written cannot be read");
  require(again == value, "what was read again is another value");
  return 0;
}
