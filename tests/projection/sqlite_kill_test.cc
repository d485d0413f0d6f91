// Exactly once, whatever is killed when: one process appends, another folds into SQLite, and both die at random. After each
// death the tables are those of the log up to their own checkpoint; at the end, those of the whole log.
//
//   DAYBOOK_PROJECTION_SEED=<n>    other moments
//   DAYBOOK_PROJECTION_KILLS=<n>   how many cycles instead of the default
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>

#include "projection/sqlite_fixture.h"
#include "support/child.h"
#include "support/rng.h"

namespace daybook::test {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// The same tables under another version: a start finds the old ones, and builds them anew.
struct AccountTableB : AccountTable {
  static constexpr std::uint32_t kVersion = 2;
};

struct Shared {
  std::atomic<bool> failed = false;
  std::atomic<std::uint64_t> started = 0;   // processes that got so far as to fold
  std::atomic<std::uint64_t> switched = 0;  // rebuilds that came to their end
};

// Some events at a time, so that whoever folds them all again comes to an end.
void append_until_killed(const std::filesystem::path& path, Shared& shared) {
  auto store = Store::open(path, {.durability = Durability::memory, .segment_size = 1 << 20});
  if (!store) {
    shared.failed = true;
    return;
  }
  const std::uint64_t first = store->published_position();
  for (std::uint64_t i = first; i < first + 500; ++i) {
    append_nth(*store, i);
    std::this_thread::sleep_for(std::chrono::microseconds(30));
  }
  ::pause();
}

template <typename Tables>
void fold_until_killed(const std::filesystem::path& path, const std::string& database, bool rebuild, Shared& shared) {
  auto store = Store::open(path, read_only());
  if (!store) {
    shared.failed = true;
    return;
  }
  SqliteProjection<Tables> projection(*store, database,
                                      {.projector = {.batch_events = 20, .visibility = Visibility::published}});
  if (const auto done = projection.start(); !done) {
    std::fprintf(stderr, "start: %s\n", describe(done.error()).c_str());
    shared.failed = true;
  }
  ++shared.started;
  while (!shared.failed) {
    if (rebuild) {
      if (!projection.rebuild()) shared.failed = true;
      ++shared.switched;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (const auto error = projection.error()) {
      std::fprintf(stderr, "folding: %s\n", describe(*error).c_str());
      shared.failed = true;
    }
  }
}

TEST(SqliteKillTest, ExactlyOnceWhateverIsKilledWhen) {
  const std::uint64_t seed = number_from("DAYBOOK_PROJECTION_SEED", 1);
  const std::uint64_t cycles = number_from("DAYBOOK_PROJECTION_KILLS", 150);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Rng rng(seed);
  void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  Shared& shared = *new (memory) Shared;
  const TempDir temp;
  const std::filesystem::path path = temp / "store";
  const std::string database = (temp / "read.db").string();
  {
    auto store = Store::open(path, {.durability = Durability::memory, .segment_size = 1 << 20});
    append_nth(*store, 0);
    SqliteProjection<AccountTable> projection(*store, database);
    ASSERT_TRUE(is_ok(store->sync()));
    ASSERT_TRUE(is_ok(projection.catch_up()));
  }

  std::uint64_t moved = 0;
  Position before = 0;
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    const bool second = cycle / 10 % 2 == 1;  // ten cycles of each version: the first of them finds outdated tables
    const bool rebuild = rng.below(4) == 0;
    const std::uint64_t cycle_started = shared.started;
    const std::uint64_t switched = shared.switched;
    Child writer([&] { append_until_killed(path, shared); });
    Child folder([&] {
      if (second) {
        fold_until_killed<AccountTableB>(path, database, rebuild, shared);
      } else {
        fold_until_killed<AccountTable>(path, database, rebuild, shared);
      }
    });
    // Some are killed before they have begun.
    const std::uint64_t begun = rng.below(8) == 0 ? 0 : cycle_started + 1;
    while (shared.started < begun && !shared.failed) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // Of the rebuilds, half are let come to their end once; then the next one is cut off.
    const bool once = rebuild && rng.coin();
    while (once && shared.switched == switched && !shared.failed) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(rebuild ? 100'000 : 30'000)));
    if (rng.coin()) writer.kill();
    folder.kill();
    ASSERT_FALSE(shared.failed) << cycle;
    auto store = Store::open(path, read_only());
    ASSERT_TRUE(is_ok(store));
    auto db = SqliteDatabase::open(database, SqliteDatabase::Open::read_only);
    ASSERT_TRUE(is_ok(db));
    ASSERT_TRUE(is_ok(db->run("BEGIN")));
    const auto state = look(*db);
    ASSERT_TRUE(is_ok(state));
    ASSERT_TRUE(are_exact(*state, *store)) << cycle;
    if (state->checkpoint > before) ++moved;
    ASSERT_GE(state->checkpoint, before) << "less than before, in cycle " << cycle;
    before = state->checkpoint;
  }

  auto store = Store::open(path, read_only());
  SqliteProjection<AccountTable> projection(*store, database, {.projector = {.visibility = Visibility::published}});
  ASSERT_TRUE(is_ok(projection.catch_up()));
  const auto state = projection.read([](SqliteDatabase& db) { return look(db); });
  ASSERT_TRUE(is_ok(state));
  EXPECT_EQ(*state, expected_tables(*store, state->checkpoint));
  EXPECT_EQ(state->seen, fold(*store).events);
  std::printf("%llu kills: the checkpoint had moved in %llu, %llu rebuilds came to their end; %llu events\n",
              static_cast<unsigned long long>(cycles), static_cast<unsigned long long>(moved),
              static_cast<unsigned long long>(shared.switched.load()), static_cast<unsigned long long>(state->seen));
  EXPECT_GT(moved, cycles / 4);
  EXPECT_GT(shared.switched.load(), 0u);
  ::munmap(memory, sizeof(Shared));
}

}  // namespace
}  // namespace daybook::test
