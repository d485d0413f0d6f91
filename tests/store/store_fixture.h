// A store in a directory of its own.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "support/result_matchers.h"
#include "support/stored_event.h"
#include "support/temp_dir.h"

namespace daybook::test {

inline constexpr std::uint64_t kSmallest = 64 << 10;  // segment size

// Segments are small, so that most tests see several; appends are in memory unless a test is about durability.
inline OpenOptions small_segments(Durability durability = Durability::memory) {
  return {.durability = durability, .segment_size = kSmallest};
}

inline OpenOptions read_only() { return {.mode = Mode::read_only}; }

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }

  // Closes the store, if it is open, and opens it.
  void reopen(const OpenOptions& options = small_segments()) {
    if (store_) {
      ASSERT_TRUE(is_ok(store_->close()));
    }
    store_.reset();
    auto opened = Store::open(path(), options);
    ASSERT_TRUE(is_ok(opened));
    store_.emplace(std::move(*opened));
  }

  Store& store() { return *store_; }
  [[nodiscard]] std::filesystem::path path() const { return temp_ / "store"; }

  // How many segments have one.
  [[nodiscard]] std::size_t sidecars() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path() / "segments")) {
      count += entry.path().extension() == ".idx";
    }
    return count;
  }

  // One event to "s", whatever is there.
  Appended append(Bytes payload = "payload", const AppendOptions& options = {}) {
    return append_to("s", payload, options);
  }
  Appended append_to(std::string_view stream, Bytes payload = "payload", const AppendOptions& options = {}) {
    const auto appended = store_->append(stream, Expect::any(), {{.type = "T", .payload = payload}}, options);
    EXPECT_TRUE(is_ok(appended));
    return appended.value_or(Appended{});
  }
  void append_many(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) append(std::to_string(i));
  }

  TempDir temp_;
  std::optional<Store> store_;
};

}  // namespace daybook::test
