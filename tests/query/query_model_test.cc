// Every form of query against the list, while the store is appended to, rolled over, closed and opened, killed, read by
// another store, and robbed of its sidecars and checkpoints or has them damaged.
#include "query/query_model.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::test {
namespace {

namespace fs = std::filesystem;

#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
constexpr std::uint64_t kSeeds = 4;
constexpr std::uint64_t kQueriesEach = 1'500;
#else
constexpr std::uint64_t kSeeds = 12;
constexpr std::uint64_t kQueriesEach = 10'000;
#endif
constexpr std::size_t kEventsMax = 1'800;

struct Counts {
  std::uint64_t queries = 0;
  std::uint64_t found = 0;
  std::uint64_t reopened = 0;
  std::uint64_t killed = 0;
  std::uint64_t sidecars_removed = 0;
  std::uint64_t sidecars_damaged = 0;
  std::uint64_t sidecars_seen = 0;
  std::uint64_t checkpoints_seen = 0;  // of them
  std::uint64_t checkpoints_removed = 0;
  std::uint64_t checkpoints_damaged = 0;
  std::uint64_t checkpoints_foreign = 0;  // of a copy of the store that went another way
  std::uint64_t appended_first = 0;       // to a store that was opened and not asked yet
};

class QueryScenario {
 public:
  QueryScenario(std::uint64_t seed, Counts& counts) : rng_(seed), counts_(counts) {}

  void run() {
    ASSERT_NO_FATAL_FAILURE(open());
    for (std::uint64_t done = 0; done < kQueriesEach && !::testing::Test::HasFailure();) {
      if (model_.events().size() < kEventsMax) append_some();
      if (rng_.below(6) == 0) something_else();
      if (::testing::Test::HasFatalFailure()) return;
      // Another process has all of it: a store that is opened for reading beside the writer.
      reader_.reset();
      if (rng_.below(3) == 0) {
        auto reader = Store::open(path_, {.mode = Mode::read_only});
        ASSERT_TRUE(is_ok(reader));
        reader_.emplace(std::move(*reader));
      }
      for (std::uint64_t n = kQueriesEach / 60; n > 0; --n, ++done) ASSERT_NO_FATAL_FAILURE(ask());
    }
  }

 private:
  Store& asked() { return reader_ ? *reader_ : *store_; }

  void open() {
    auto store = Store::open(
        path_, {.durability = Durability::memory, .segment_size = 64u << 10, .checkpoint_bytes = 64u << 10});
    ASSERT_TRUE(is_ok(store));
    store_.emplace(std::move(*store));
    ASSERT_EQ(store_->published_position(), model_.events().size());
  }

  void append_some() {
    for (std::uint64_t n = 1 + rng_.below(60); n > 0; --n) {
      std::vector<ModelEvent> events;
      for (std::uint64_t batch = rng_.below(4) == 0 ? 1 + rng_.below(30) : 1; batch > 0; --batch) {
        events.push_back(random_event(rng_));
        events.back().stream = events.front().stream;
      }
      append(std::move(events));
    }
  }

  void append(std::vector<ModelEvent> events) {
    const std::string payload(rng_.below(200), 'p');
    std::vector<std::vector<std::string_view>> tags;
    for (const ModelEvent& event : events) tags.emplace_back(event.tags.begin(), event.tags.end());
    std::vector<NewEvent> given;
    for (std::size_t i = 0; i < events.size(); ++i) {
      given.push_back({.type = events[i].type,
                       .payload = payload,
                       .tags = Tags(std::span<const std::string_view>(tags[i])),
                       .id = events[i].id,
                       .occurred_at = events[i].occurred_at_given});
    }
    const auto appended = store_->append(events.front().stream, Expect::any(), given);
    ASSERT_TRUE(is_ok(appended));
    Cursor cursor = store_->read({.after = appended->first_position - 1});
    for (ModelEvent& event : events) {
      const EventView* const stored = cursor.next();
      ASSERT_NE(stored, nullptr);
      event.recorded_at = stored->recorded_at;
      event.occurred_at = stored->occurred_at;
      model_.add(std::move(event));
    }
  }

  void something_else() {
    switch (rng_.below(7)) {
      case 0:
      case 1:
        ++counts_.reopened;
        ASSERT_TRUE(is_ok(store_->close()));
        break;
      case 5:
        ASSERT_TRUE(is_ok(store_->close()));
        for (const fs::path& checkpoint : checkpoints()) {
          counts_.checkpoints_removed += 1;
          fs::remove(checkpoint);
          if (rng_.coin()) break;  // the other one is older, or there is none
        }
        break;
      case 6:
        ASSERT_TRUE(is_ok(store_->close()));
        for (const fs::path& checkpoint : checkpoints()) {
          counts_.checkpoints_damaged += 1;
          for (std::uint64_t n = 1 + rng_.below(3); n > 0; --n) damage(checkpoint);
        }
        break;
      case 2: {
        // What SIGKILL leaves: the files as they are, and nobody who closes them.
        ++counts_.killed;
        const fs::path killed = directory_ / ("killed-" + std::to_string(counts_.killed));
        copy_alive(killed);
        if (counts_.killed % 2 == 1) take_checkpoints_of_what_comes(killed);
        path_ = killed;
        break;
      }
      case 3:
        ASSERT_TRUE(is_ok(store_->close()));
        for (const fs::path& sidecar : sidecars()) {
          if (rng_.coin()) continue;
          ++counts_.sidecars_removed;
          fs::remove(sidecar);
        }
        break;
      default:
        ASSERT_TRUE(is_ok(store_->close()));
        for (const fs::path& sidecar : sidecars()) damage(sidecar);
    }
    reader_.reset();
    store_.reset();
    ASSERT_NO_FATAL_FAILURE(open());
    if (rng_.coin() && model_.events().size() < 2 * kEventsMax) {
      ++counts_.appended_first;
      append_some();
    }
  }

  // The store goes on, and what the model does not know of it becomes the newest checkpoint of the copy.
  void take_checkpoints_of_what_comes(const fs::path& to) {
    const std::string payload(200, 'q');
    const auto came = [&] {
      const auto newest = checkpoints();
      return !newest.empty() && !fs::exists(to / "checkpoints" / newest.front().filename());
    };
    for (int round = 0; round < 100 && !came(); ++round) {
      for (int i = 0; i < 300; ++i) {
        ASSERT_TRUE(is_ok(store_->append(random_stream(rng_), Expect::any(), {{.type = "other", .payload = payload}})));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    counts_.checkpoints_foreign += came();
    ASSERT_TRUE(is_ok(store_->close()));
    for (const fs::path& checkpoint : checkpoints()) {
      fs::copy_file(checkpoint, to / "checkpoints" / checkpoint.filename(), fs::copy_options::overwrite_existing);
    }
  }

  // The indexer goes on meanwhile: a file that is renamed or removed under our eyes is a reason to begin again.
  void copy_alive(const fs::path& to) {
    std::error_code error;
    for (int tries = 0; tries < 1'000; ++tries) {
      fs::copy(path_, to, fs::copy_options::recursive, error);
      if (error != std::errc::no_such_file_or_directory) break;
      fs::remove_all(to);
    }
    ASSERT_FALSE(error) << error.message();
  }

  std::vector<fs::path> sidecars() {
    std::vector<fs::path> found;
    for (const char* const directory : {"segments", "checkpoints"}) {
      for (const auto& entry : fs::directory_iterator(path_ / directory)) {
        if (entry.path().extension() == ".idx" || entry.path().extension() == ".ckpt") found.push_back(entry.path());
        counts_.checkpoints_seen += entry.path().extension() == ".ckpt";
      }
    }
    counts_.sidecars_seen += found.size();
    return found;
  }

  // The newest first.
  std::vector<fs::path> checkpoints() {
    std::vector<fs::path> found = sidecars();
    std::erase_if(found, [](const fs::path& file) { return file.extension() != ".ckpt"; });
    std::ranges::sort(found, std::greater());
    return found;
  }

  void damage(const fs::path& file) {
    ++counts_.sidecars_damaged;
    if (fs::file_size(file) == 0) return;
    if (rng_.below(4) == 0) return fs::resize_file(file, rng_.below(fs::file_size(file)));
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(rng_.below(fs::file_size(file)));
    stream.seekg(at);
    const int byte = stream.get();
    stream.seekp(at);
    stream.put(static_cast<char>(byte ^ static_cast<int>(1 + rng_.below(255))));
  }

  void ask() {
    ++counts_.queries;
    switch (rng_.below(16)) {
      case 0: return ask_keys();
      case 1: return ask_ids();
      case 2:
      case 3: return ask_stream();
      default: return ask_query();
    }
  }

  static std::vector<Position> positions(Cursor cursor) {
    std::vector<Position> found;
    while (const EventView* const event = cursor.next()) found.push_back(event->position);
    EXPECT_FALSE(cursor.error()) << describe(*cursor.error());
    return found;
  }

  void ask_query() {
    const Query query = random_query(rng_, model_);
    const ReadOptions options = random_options(rng_, model_);
    const auto expected = model_.read(query, options);
    counts_.found += expected.size();
    const std::string what = to_text(query, options);
    ASSERT_EQ(positions(asked().read(query, options)), expected) << what;
    const PositionRange range{options.after, options.before};
    const auto all = model_.read(query, {.after = options.after, .before = options.before});
    const auto count = asked().count(query, range);
    ASSERT_TRUE(is_ok(count));
    ASSERT_EQ(*count, all.size()) << what;
    ASSERT_EQ(asked().first(query, range).value(), all.empty() ? 0 : all.front()) << what;
    ASSERT_EQ(asked().last(query, range).value(), all.empty() ? 0 : all.back()) << what;
    ASSERT_EQ(asked().exists(query, range).value(), !all.empty()) << what;
  }

  void ask_stream() {
    const std::string stream = random_stream(rng_);
    StreamReadOptions options;
    if (rng_.coin()) options.from_version = rng_.below(40);
    if (rng_.coin()) options.to_version = rng_.below(60);
    if (rng_.below(3) == 0) options.limit = 1 + rng_.below(20);
    if (rng_.coin()) options.direction = Direction::backward;
    ASSERT_EQ(positions(asked().read_stream(stream, options)), model_.read_stream(stream, options))
        << stream << " from " << options.from_version << " to " << options.to_version;
    const auto head = asked().head(stream);
    ASSERT_TRUE(is_ok(head));
    const auto all = model_.read_stream(stream, {});
    ASSERT_EQ(head->version, all.size()) << stream;
    ASSERT_EQ(head->last_position, all.empty() ? 0 : all.back()) << stream;
  }

  void ask_keys() {
    const std::string digit(1, static_cast<char>('0' + rng_.below(10)));
    const auto check = [](const Result<std::vector<KeyCount>>& found, const std::vector<KeyCount>& expected) {
      ASSERT_TRUE(is_ok(found));
      ASSERT_EQ(found->size(), expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ((*found)[i].key, expected[i].key);
        ASSERT_EQ((*found)[i].events, expected[i].events) << expected[i].key;
        ASSERT_EQ((*found)[i].last_position, expected[i].last_position) << expected[i].key;
      }
    };
    switch (rng_.below(3)) {
      case 0: return check(asked().streams("stream-" + digit), model_.streams("stream-" + digit));
      case 1: return check(asked().types(), model_.types(""));
      default: return check(asked().tags("tag-" + digit), model_.tags("tag-" + digit));
    }
  }

  void ask_ids() {
    EventId id{};
    if (!model_.events().empty()) {
      const ModelEvent& event = model_.events()[rng_.below(model_.events().size())];
      if (event.id) id = *event.id;
    }
    ASSERT_EQ(asked().find(id).value(), model_.find(id));
  }

  Rng rng_;
  Counts& counts_;
  TempDir directory_;
  fs::path path_ = directory_ / "store";
  QueryModel model_;
  std::optional<Store> store_;
  std::optional<Store> reader_;
};

TEST(QueryModelTest, IndexesAnswerAsTheListDoes) {
  Counts counts;
  for (std::uint64_t seed = 1; seed <= kSeeds && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    QueryScenario(seed, counts).run();
  }
  const auto print = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf(
      "%llu queries, %llu events found; %llu reopened, %llu killed; of %llu sidecars %llu removed, %llu damaged\n",
      print(counts.queries), print(counts.found), print(counts.reopened), print(counts.killed),
      print(counts.sidecars_seen), print(counts.sidecars_removed), print(counts.sidecars_damaged));
  std::printf("checkpoints: %llu removed, %llu damaged, %llu foreign; %llu stores appended to before they were asked\n",
              print(counts.checkpoints_removed), print(counts.checkpoints_damaged), print(counts.checkpoints_foreign),
              print(counts.appended_first));
  // A campaign in which nothing happens proves nothing.
  EXPECT_GE(counts.queries, kSeeds * kQueriesEach);
  EXPECT_GT(counts.found, counts.queries);
  EXPECT_GT(counts.reopened, 0u);
  EXPECT_GT(counts.killed, 0u);
  EXPECT_GT(counts.sidecars_removed, 0u);
  EXPECT_GT(counts.sidecars_damaged, 0u);
  EXPECT_GT(counts.checkpoints_seen, 0u);
  EXPECT_GT(counts.checkpoints_removed, 0u);
  EXPECT_GT(counts.checkpoints_damaged, 0u);
  EXPECT_GT(counts.checkpoints_foreign, 0u);
  EXPECT_GT(counts.appended_first, 0u);
}

}  // namespace
}  // namespace daybook::test
