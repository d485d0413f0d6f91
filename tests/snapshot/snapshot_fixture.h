// A store with events to save the state of.
#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/snapshot.h>

#include "format/layout.h"
#include "store/store_fixture.h"

namespace daybook::test {

// What a state of key and position looks like, so that a wrong one is known when it is seen.
inline std::string state_of(std::string_view key, Position position, std::size_t size = 40) {
  std::string state = std::string(key) + "@" + std::to_string(position) + ":";
  while (state.size() < size) state += static_cast<char>('a' + (state.size() * 7 + position) % 26);
  return state;
}

// "key@position" of the newest one, or "nothing"; what is returned is held against state_of().
inline std::string newest(const SnapshotStore& snapshots, std::string_view key, const SnapshotBounds& bounds = {},
                          std::uint64_t fingerprint = 1) {
  const auto found = snapshots.latest(key, fingerprint, bounds);
  EXPECT_TRUE(is_ok(found));
  if (!found || !*found) return "nothing";
  const Snapshot& snapshot = **found;
  EXPECT_EQ(snapshot.key, key);
  EXPECT_EQ(snapshot.fingerprint, fingerprint);
  const std::string expected = state_of(key, snapshot.position, snapshot.state.size());
  EXPECT_EQ(snapshot.state.text(), expected);
  return snapshot.key + "@" + std::to_string(snapshot.position);
}

inline Result<void> save(SnapshotStore& snapshots, std::string_view key, Position position, std::size_t size = 40,
                         std::uint64_t fingerprint = 1) {
  const std::string state = state_of(key, position, size);
  return snapshots.save(
      {.key = key, .version = position, .position = position, .fingerprint = fingerprint, .state = state});
}

class SnapshotTest : public StoreTest {
 protected:
  SnapshotStore& snapshots() { return store().snapshots(); }
  Result<void> save(std::string_view key, Position position, std::size_t size = 40, std::uint64_t fingerprint = 1) {
    return test::save(snapshots(), key, position, size, fingerprint);
  }
  std::string newest(std::string_view key, const SnapshotBounds& bounds = {}, std::uint64_t fingerprint = 1) {
    return test::newest(snapshots(), key, bounds, fingerprint);
  }
  // "a@3 a@7 b@5" of those that are good.
  std::string listed(std::string_view prefix = {}) {
    const auto entries = snapshots().list(prefix);
    EXPECT_TRUE(is_ok(entries));
    std::string text;
    for (const SnapshotEntry& entry : entries.value_or(std::vector<SnapshotEntry>())) {
      if (entry.condition != SnapshotCondition::good) continue;
      text += (text.empty() ? "" : " ") + entry.key + "@" + std::to_string(entry.position);
    }
    return text;
  }

  [[nodiscard]] std::filesystem::path folder() const { return path() / "snapshots"; }
  [[nodiscard]] std::filesystem::path file(std::uint64_t number = 1) const {
    return folder() / format::snapshots_name(number);
  }
  [[nodiscard]] std::size_t file_count() const {
    const std::filesystem::directory_iterator files(folder());
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }
};

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void overwrite(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace daybook::test
