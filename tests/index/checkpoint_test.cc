// A checkpoint against a map; whether damage is noticed; and what somebody can do with right checksums.
#include "index/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/rng.h"

namespace daybook::index {
namespace {

using test::Rng;
using Bytes = std::vector<std::byte>;

#if defined(NDEBUG) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kEvery = 3;  // of the bits
constexpr int kHostile = 5'000;
constexpr std::uint64_t kManyStreams = 1'000'000;
#else
constexpr std::size_t kEvery = 61;
constexpr int kHostile = 300;
constexpr std::uint64_t kManyStreams = 20'000;
#endif

constexpr Uuid kLog{{1, 2, 3}};

std::vector<CheckpointSegment> make_segments(std::size_t count) {
  std::vector<CheckpointSegment> segments;
  for (std::size_t i = 0; i < count; ++i) {
    CheckpointSegment at;
    at.number = 5 + i;
    at.segment[0] = static_cast<std::uint8_t>(i);
    at.epoch = 1 + i / 3;
    at.events = 1000;
    at.base_position = i * 1000;
    at.valid_end = 65'536 - 4096;
    at.recorded_first = static_cast<std::int64_t>(i);
    at.recorded_last = static_cast<std::int64_t>(i + 10);
    segments.push_back(at);
  }
  return segments;
}

// What a checkpoint must say, and in which order.
class Model {
 public:
  explicit Model(std::size_t segments) : segments_(make_segments(segments)) {}

  void add(const CheckpointKey& key) {
    CheckpointKey& known = keys_[{key.kind, key.hash}];
    if (known.segments.empty()) known = {key.kind, key.hash, 0, 0, {}};
    if (key.last_position > known.last_position) {
      known.last_position = key.last_position;
      known.version = key.version;
    }
    known.segments.insert(known.segments.end(), key.segments.begin(), key.segments.end());
    std::ranges::sort(known.segments);
    const auto twins = std::ranges::unique(known.segments);
    known.segments.erase(twins.begin(), twins.end());
  }

  // Some keys of each kind in segments [from, to).
  void fill(Rng& rng, std::size_t count, std::size_t from, std::size_t to) {
    for (std::size_t i = 0; i < count; ++i) {
      CheckpointKey key;
      key.kind = static_cast<KeyKind>(rng.below(kCheckpointKinds));
      // Some hashes come again, and some are as small and as large as can be.
      key.hash = rng.below(4) == 0 ? rng.below(4) - 2 : rng.next();
      for (std::size_t at = from; at < to; ++at) {
        if (rng.below(3) == 0) key.segments.push_back(static_cast<std::uint32_t>(at));
      }
      if (key.segments.empty()) key.segments.push_back(static_cast<std::uint32_t>(from + rng.below(to - from)));
      if (key.kind == KeyKind::stream) {
        key.last_position = key.segments.back() * 1000 + 1 + rng.below(1000);
        key.version = 1 + rng.below(key.last_position);
      }
      add(key);
    }
  }

  [[nodiscard]] Result<Bytes> encode(const Checkpoint* before = nullptr) const {
    auto at = keys_.begin();
    return encode_checkpoint(kLog, segments_, before, [&] { return at == keys_.end() ? nullptr : &(at++)->second; });
  }

  [[nodiscard]] const std::vector<CheckpointSegment>& segments() const { return segments_; }
  [[nodiscard]] const auto& keys() const { return keys_; }

 private:
  std::vector<CheckpointSegment> segments_;
  std::map<std::pair<KeyKind, std::uint64_t>, CheckpointKey> keys_;
};

// Bytes aligned as parse() wants them.
class File {
 public:
  explicit File(std::span<const std::byte> bytes) : words_((bytes.size() + 7) / 8), size_(bytes.size()) {
    if (!bytes.empty()) std::memcpy(words_.data(), bytes.data(), bytes.size());
  }
  [[nodiscard]] std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(words_)).first(size_); }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_;
};

void expect_same(const Checkpoint& checkpoint, const Model& model) {
  ASSERT_EQ(checkpoint.segments().size(), model.segments().size());
  EXPECT_TRUE(std::ranges::equal(checkpoint.segments(), model.segments()));
  std::array<std::uint64_t, kCheckpointKinds> counts{};
  Checkpoint::Walk walk(checkpoint);
  for (const auto& [name, key] : model.keys()) {
    ++counts[static_cast<std::size_t>(key.kind)];
    const auto found = checkpoint.find(key.kind, key.hash);
    ASSERT_TRUE(found && *found);
    EXPECT_EQ(**found, key);
    const auto walked = walk.next();
    ASSERT_TRUE(walked && *walked != nullptr);
    EXPECT_EQ(**walked, key);
    for (const std::uint64_t other : {key.hash - 1, key.hash + 1}) {
      if (model.keys().contains({key.kind, other})) continue;
      const auto nothing = checkpoint.find(key.kind, other);
      ASSERT_TRUE(nothing);
      EXPECT_FALSE(*nothing);
    }
  }
  const auto end = walk.next();
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, nullptr);
  for (std::size_t kind = 0; kind < kCheckpointKinds; ++kind) {
    EXPECT_EQ(checkpoint.keys(static_cast<KeyKind>(kind)), counts[kind]);
  }
}

TEST(CheckpointTest, SaysWhatWasPutIn) {
  Rng rng(1);
  for (const std::size_t segments : {1u, 2u, 17u, 200u}) {
    for (const std::size_t keys : {0u, 1u, 40u, 3000u}) {
      Model model(segments);
      model.fill(rng, keys, 0, segments);
      const auto encoded = model.encode();
      ASSERT_TRUE(encoded);
      File file(*encoded);
      const auto checkpoint = Checkpoint::parse(file.bytes(), kLog);
      ASSERT_TRUE(checkpoint) << describe(checkpoint.error());
      expect_same(*checkpoint, model);
      EXPECT_EQ(checkpoint->header().position, segments * 1000);
      EXPECT_EQ(checkpoint->header().segment, 5 + segments - 1);
      EXPECT_EQ(checkpoint->header().offset, 65'536u - 4096);
    }
  }
}

TEST(CheckpointTest, OfNothing) {
  const Model model(0);
  const auto encoded = model.encode();
  ASSERT_TRUE(encoded);
  File file(*encoded);
  const auto checkpoint = Checkpoint::parse(file.bytes(), kLog);
  ASSERT_TRUE(checkpoint);
  expect_same(*checkpoint, model);
  EXPECT_FALSE(*checkpoint->find(KeyKind::stream, 7));
}

// A step at a time comes to the same bytes as all at once.
TEST(CheckpointTest, GoesOnFromAnOlderOne) {
  Rng rng(2);
  constexpr std::size_t kSegments = 23;
  std::optional<File> before;
  std::optional<Checkpoint> old;
  Model all(kSegments);
  for (std::size_t from = 0; from < kSegments;) {
    const std::size_t to = std::min(kSegments, from + 1 + rng.below(5));
    Model step(to);
    step.fill(rng, 500, from, to);
    for (const auto& [name, key] : step.keys()) all.add(key);
    const auto encoded = step.encode(old ? &*old : nullptr);
    ASSERT_TRUE(encoded);
    File file(*encoded);
    old.reset();
    before.emplace(std::move(file));
    auto parsed = Checkpoint::parse(before->bytes(), kLog);
    ASSERT_TRUE(parsed);
    old.emplace(std::move(*parsed));
    from = to;
  }
  expect_same(*old, all);
  const auto at_once = all.encode();
  ASSERT_TRUE(at_once);
  EXPECT_TRUE(std::ranges::equal(*at_once, before->bytes()));
}

TEST(CheckpointTest, KeysThatShareAHashShareAnEntry) {
  const std::vector<CheckpointKey> keys{{KeyKind::stream, 7, 3, 500, {0}},
                                        {KeyKind::stream, 7, 9, 1900, {1}},
                                        {KeyKind::stream, 7, 4, 1400, {0, 1}},
                                        {KeyKind::type, 7, 0, 0, {2}}};
  std::size_t at = 0;
  const auto segments = make_segments(3);
  const auto encoded =
      encode_checkpoint(kLog, segments, nullptr, [&] { return at == keys.size() ? nullptr : &keys[at++]; });
  ASSERT_TRUE(encoded);
  File file(*encoded);
  const auto checkpoint = Checkpoint::parse(file.bytes(), kLog);
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(**checkpoint->find(KeyKind::stream, 7), (CheckpointKey{KeyKind::stream, 7, 9, 1900, {0, 1}}));
  EXPECT_EQ(**checkpoint->find(KeyKind::type, 7), keys[3]);
}

// Coarse, and never too small.
TEST(CheckpointTest, ASetOfVeryManySegmentsMayGrow) {
  constexpr std::uint32_t kSegments = 50'000;
  Model model(kSegments);
  CheckpointKey odd{KeyKind::type, 1, 0, 0, {}};
  for (std::uint32_t i = 1; i < kSegments; i += 2) odd.segments.push_back(i);
  const CheckpointKey few{KeyKind::type, 2, 0, 0, {0, kSegments - 1}};
  model.add(odd);
  model.add(few);
  const auto encoded = model.encode();
  ASSERT_TRUE(encoded);
  File file(*encoded);
  const auto checkpoint = Checkpoint::parse(file.bytes(), kLog);
  ASSERT_TRUE(checkpoint);
  const auto found = checkpoint->find(KeyKind::type, 1);
  ASSERT_TRUE(found && *found);
  EXPECT_TRUE(std::ranges::includes((**found).segments, odd.segments));
  EXPECT_LE((**found).segments.size(), kSegments);
  EXPECT_EQ(**checkpoint->find(KeyKind::type, 2), few);
  const auto again = Model(kSegments).encode(&*checkpoint);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *encoded);
}

TEST(CheckpointTest, WrongUseIsRefused) {
  const auto segments = make_segments(3);
  const auto code = [&](const std::vector<CheckpointKey>& keys) {
    std::size_t at = 0;
    const auto encoded =
        encode_checkpoint(kLog, segments, nullptr, [&] { return at == keys.size() ? nullptr : &keys[at++]; });
    return encoded ? Errc{} : encoded.error().code;
  };
  EXPECT_EQ(code({{KeyKind::type, 7, 0, 0, {0}}, {KeyKind::type, 6, 0, 0, {0}}}), Errc::invalid_argument);
  EXPECT_EQ(code({{KeyKind::type, 7, 0, 0, {0}}, {KeyKind::stream, 8, 1, 1, {0}}}), Errc::invalid_argument);
  EXPECT_EQ(code({{KeyKind::type, 7, 0, 0, {}}}), Errc::invalid_argument);
  EXPECT_EQ(code({{KeyKind::type, 7, 0, 0, {3}}}), Errc::invalid_argument);
  EXPECT_EQ(code({{KeyKind::type, 7, 0, 0, {1, 1}}}), Errc::invalid_argument);
  EXPECT_EQ(code({{KeyKind::stream, 7, 0, 0, {1}}}), Errc::invalid_argument);
  EXPECT_EQ(code({{KeyKind::stream, 7, 2, 1, {1}}}), Errc::invalid_argument);

  Model model(3);
  File file(*model.encode());
  const auto checkpoint = Checkpoint::parse(file.bytes(), kLog);
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(Model(2).encode(&*checkpoint).error().code, Errc::invalid_argument) << "fewer segments";
  File moved(Bytes(file.bytes().size() + 8));
  std::memcpy(moved.bytes().data() + 1, file.bytes().data(), file.bytes().size());
  EXPECT_EQ(Checkpoint::parse(moved.bytes().subspan(1, file.bytes().size()), kLog).error().code,
            Errc::invalid_argument);
  EXPECT_EQ(std::string(Checkpoint::parse(file.bytes(), Uuid{}).error().what).substr(0, 5), "stale");
}

// --- damage

// Refused when it is opened or asked; or all answers are as they were.
bool noticed(std::span<const std::byte> bytes, const Model& model) {
  const auto checkpoint = Checkpoint::parse(bytes, kLog);
  if (!checkpoint) return true;
  bool refused = false;
  for (const auto& [name, key] : model.keys()) {
    const auto found = checkpoint->find(key.kind, key.hash);
    if (!found) {
      refused = true;
    } else if (!*found || **found != key) {
      ADD_FAILURE() << "a wrong answer";
    }
  }
  return refused;
}

TEST(CheckpointDamageTest, EveryFlippedBitIsNoticed) {
  Rng rng(3);
  Model model(17);
  model.fill(rng, 60, 0, 17);
  File file(*model.encode());
  for (std::size_t bit = 0; bit < file.bytes().size() * 8; bit += kEvery) {
    file.bytes()[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_TRUE(noticed(file.bytes(), model)) << bit;
    file.bytes()[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST(CheckpointDamageTest, EveryTruncationIsNoticed) {
  Rng rng(4);
  Model model(17);
  model.fill(rng, 60, 0, 17);
  File file(*model.encode());
  for (std::size_t size = 0; size < file.bytes().size(); ++size) {
    ASSERT_FALSE(Checkpoint::parse(file.bytes().first(size), kLog)) << size;
  }
  Bytes more(file.bytes().begin(), file.bytes().end());
  more.resize(more.size() + 8);
  File longer(more);
  EXPECT_FALSE(Checkpoint::parse(longer.bytes(), kLog));
}

TEST(CheckpointDamageTest, APageOfAnotherPlaceIsNoticed) {
  Rng rng(5);
  Model model(17);
  model.fill(rng, 2000, 0, 17);
  File file(*model.encode());
  const auto one = file.bytes().subspan(kCheckpointBlock, kCheckpointBlock);
  const auto two = file.bytes().subspan(2 * kCheckpointBlock, kCheckpointBlock);
  std::ranges::swap_ranges(one, two);
  EXPECT_TRUE(noticed(file.bytes(), model));
}

// --- on purpose

void repair(std::span<std::byte> bytes) {
  CheckpointHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.size = bytes.size();
  std::uint64_t pages = 0;
  for (const CheckpointKeys& kind : header.kinds) pages += kind.pages;
  const std::uint64_t tables = kCheckpointBlock * (1 + pages);
  if (pages <= bytes.size() / kCheckpointBlock && tables <= bytes.size()) {
    seal_checkpoint_tables(header, bytes.data() + tables, bytes.size() - tables);
    for (std::uint64_t page = 0; page < pages; ++page) {
      std::byte* const at = bytes.data() + kCheckpointBlock * (1 + page);
      const std::uint64_t check = checkpoint_page_check(header, page, at);
      std::memcpy(at, &check, sizeof(check));
    }
  }
  header.check = checkpoint_header_check(header);
  std::memcpy(bytes.data(), &header, sizeof(header));
}

void use(std::span<const std::byte> bytes, const Model& model) {
  const auto checkpoint = Checkpoint::parse(bytes, kLog);
  if (!checkpoint) return;
  for (const auto& [name, key] : model.keys()) {
    const auto found = checkpoint->find(key.kind, key.hash);
    if (!found || !*found) continue;
    ASSERT_FALSE((**found).segments.empty());
    ASSERT_LT((**found).segments.back(), checkpoint->segments().size());
    ASSERT_LE((**found).last_position, checkpoint->header().position);
  }
  Checkpoint::Walk walk(*checkpoint);
  for (auto key = walk.next(); key && *key != nullptr; key = walk.next()) {
    ASSERT_TRUE(std::ranges::is_sorted((**key).segments));
  }
  (void)model.encode(&*checkpoint);
}

TEST(CheckpointDamageTest, RightChecksumsDoNotHelp) {
  Rng rng(6);
  Model model(300);
  model.fill(rng, 300, 0, 300);
  const Bytes whole = *model.encode();
  for (int i = 0; i < kHostile && !::testing::Test::HasFailure(); ++i) {
    File file(whole);
    for (std::uint64_t changes = 1 + rng.below(4); changes > 0; --changes) {
      // Mostly where something is: the headers, the first entries, the tables.
      std::uint64_t at = rng.below(whole.size());
      if (rng.below(2) == 0) at = rng.below(whole.size() / kCheckpointBlock) * kCheckpointBlock + rng.below(200);
      if (at >= whole.size()) continue;
      constexpr std::array kBytes{0x00, 0x01, 0x7f, 0x80, 0xff};
      file.bytes()[at] = static_cast<std::byte>(rng.below(2) == 0 ? kBytes[rng.below(kBytes.size())]
                                                                  : static_cast<int>(rng.below(256)));
    }
    if (rng.below(8) == 0) file = File(file.bytes().first(rng.below(whole.size() / 8) * 8));
    if (file.bytes().size() < sizeof(CheckpointHeader)) continue;
    repair(file.bytes());
    use(file.bytes(), model);
  }
}

// --- size

// Streams as a store has them: most live for a while, in a few neighbouring segments.
TEST(CheckpointTest, AStreamTakesFewBytes) {
  constexpr std::uint64_t kStreams = kManyStreams;
  constexpr std::uint32_t kSegments = 17;
  Rng rng(7);
  std::vector<CheckpointKey> keys(kStreams);
  for (CheckpointKey& key : keys) {
    const auto first = static_cast<std::uint32_t>(rng.below(kSegments));
    const auto last = std::min<std::uint32_t>(kSegments - 1, first + static_cast<std::uint32_t>(rng.below(4)));
    for (std::uint32_t at = first; at <= last; ++at) key.segments.push_back(at);
    key.hash = rng.next();
    key.version = 1 + rng.below(50);
    key.last_position = last * 600'000 + 50 + rng.below(599'000);
  }
  std::ranges::sort(keys, {}, &CheckpointKey::hash);
  auto segments = make_segments(kSegments);
  for (std::uint64_t i = 0; i < kSegments; ++i) {
    segments[i].events = 600'000;
    segments[i].base_position = i * 600'000;
  }
  std::size_t at = 0;
  const auto encoded =
      encode_checkpoint(kLog, segments, nullptr, [&] { return at == keys.size() ? nullptr : &keys[at++]; });
  ASSERT_TRUE(encoded);
  const double each = static_cast<double>(encoded->size()) / static_cast<double>(kStreams);
  std::printf("%llu streams in %u segments: %.2f bytes each\n", static_cast<unsigned long long>(kStreams), kSegments,
              each);
  EXPECT_LT(each, 18);
  File file(*encoded);
  const auto checkpoint = Checkpoint::parse(file.bytes(), kLog);
  ASSERT_TRUE(checkpoint);
  for (std::size_t i = 0; i < kStreams; i += 97) {
    const auto found = checkpoint->find(KeyKind::stream, keys[i].hash);
    ASSERT_TRUE(found && *found);
    ASSERT_EQ(**found, keys[i]);
  }
}

}  // namespace
}  // namespace daybook::index
