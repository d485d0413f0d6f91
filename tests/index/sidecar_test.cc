#include "index/sidecar.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_model.h"
#include "index/sidecar_layout.h"

namespace daybook::index {
namespace {

std::vector<std::byte> encoded(const IndexModel& model, KeyHash hash = key_hash) {
  MemoryIndex index(hash);
  model.fill(index);
  return encode_sidecar(index, model.identity());
}

void expect_round_trip(const IndexModel& model, KeyHash hash = key_hash) {
  const ParsedSidecar parsed = parse_copy(encoded(model, hash), model.identity(), hash);
  ASSERT_NE(parsed.sidecar, nullptr);
  ASSERT_EQ(parsed.sidecar->identity(), model.identity());
  expect_agrees(*parsed.sidecar, model);
}

TEST(SidecarTest, AnswersAsTheModelDoes) {
  for (const std::uint64_t batch : {1u, 7u}) {
    for (const std::uint32_t events : {0u, 1u, 2u, 3u, 63u, 64u, 65u, 1'000u, 5'000u}) {
      expect_round_trip(IndexModel::random(events * 10 + batch, {.events = events, .batch_max = batch}));
      ASSERT_FALSE(HasFatalFailure()) << events << " " << batch;
    }
  }
}

TEST(SidecarTest, ManyRareStreams) {
  expect_round_trip(IndexModel::random(5, {.events = 30'000, .streams = 1'000'000, .tags = 100'000, .batch_max = 3}));
}

// Hashes of which the small table sees few bits, or none: slots are shared.
TEST(SidecarTest, SurvivesCollidingHashes) {
  const IndexModel model = IndexModel::random(6, {.events = 2'000, .streams = 2'000, .tags = 2'000});
  expect_round_trip(model, [](const Key& key) noexcept { return key_hash(key) & 0xff00'0000'0000'ffff; });
  expect_round_trip(model, [](const Key& key) noexcept { return key_hash(key) & 0xfff0'0000'0000'0000; });
  expect_round_trip(model, [](const Key& key) noexcept { return key_hash(key) & 0xffff; });
}

TEST(SidecarTest, SurvivesEqualHashes) {
  const IndexModel model = IndexModel::random(7, {.events = 500});
  expect_round_trip(model, [](const Key&) noexcept -> std::uint64_t { return 0x4242'4242'4242'4242; });
  expect_round_trip(model, [](const Key& key) noexcept -> std::uint64_t { return key.bytes.size(); });
}

// A key that no event of the segment has lands in the group of another key; the question to the event settles it.
TEST(SidecarTest, AbsentKeysAreNotFoundInTheGroupsOfOthers) {
  const IndexModel model = IndexModel::random(8, {.events = 20'000, .streams = 20'000});
  const ParsedSidecar parsed = parse_copy(encoded(model), model.identity());
  for (int i = 0; i < 200'000; ++i) {
    const std::string absent = "absent-" + std::to_string(i);
    ASSERT_EQ(parsed.sidecar->count({KeyKind::stream, absent}, model), 0u);
  }
}

TEST(SidecarTest, IsTheSameBytesForTheSameEvents) {
  const IndexModel model = IndexModel::random(9, {.events = 3'000, .batch_max = 3});
  EXPECT_EQ(encoded(model), encoded(model));
}

TEST(SidecarTest, RefusesOneOfAnotherSegment) {
  const IndexModel model = IndexModel::random(10, {.events = 100});
  const std::vector<std::byte> bytes = encoded(model);
  const std::vector<std::uint64_t> words = parse_copy(bytes, model.identity()).words;
  const auto error_with = [&](auto change) {
    SidecarIdentity expected = model.identity();
    change(expected);
    const auto parsed = Sidecar::parse(std::as_bytes(std::span(words)), expected);
    EXPECT_FALSE(parsed);
    return parsed ? Error{} : parsed.error();
  };
  const auto expect_stale = [&](auto change) {
    const Error error = error_with(change);
    EXPECT_EQ(error.code, Errc::corrupt);
    EXPECT_EQ(std::string(error.what).substr(0, 5), "stale");
  };
  expect_stale([](SidecarIdentity& expected) { expected.log[3] ^= 1; });
  expect_stale([](SidecarIdentity& expected) { expected.segment[3] ^= 1; });
  expect_stale([](SidecarIdentity& expected) { ++expected.number; });
  expect_stale([](SidecarIdentity& expected) { ++expected.base_position; });
  expect_stale([](SidecarIdentity& expected) { --expected.valid_end; });
  expect_stale([](SidecarIdentity& expected) { --expected.events; });
  expect_stale([](SidecarIdentity& expected) { --expected.frames; });
  const Error error = error_with([](SidecarIdentity& expected) { ++expected.epoch; });
  EXPECT_EQ(error.expected, 4u);
  EXPECT_EQ(error.actual, 3u);
  EXPECT_EQ(error.segment, 7u);

  // Covering less than there is: the caller's decision.
  SidecarIdentity more = model.identity();
  more.valid_end += 8;
  more.events += 1;
  more.frames += 1;
  const auto parsed = Sidecar::parse(std::as_bytes(std::span(words)), more);
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed)->identity(), model.identity());
}

TEST(SidecarTest, TellsANewerVersionFromDamage) {
  const IndexModel model = IndexModel::random(11, {.events = 10});
  std::vector<std::uint64_t> words = parse_copy(encoded(model), model.identity()).words;
  const auto code_with = [&](auto change) {
    auto& header = *reinterpret_cast<SidecarHeader*>(words.data());
    const SidecarHeader before = header;
    change(header);
    header.check = sidecar_header_check(header);
    const auto parsed = Sidecar::parse(std::as_bytes(std::span(words)), model.identity());
    header = before;
    return parsed ? Errc{} : parsed.error().code;
  };
  EXPECT_EQ(code_with([](SidecarHeader& header) { header.format_version = kSidecarVersion + 1; }), Errc::unsupported);
  EXPECT_EQ(code_with([](SidecarHeader& header) { header.incompatible = 1; }), Errc::unsupported);
  EXPECT_EQ(code_with([](SidecarHeader& header) { header.compatible = 1; }), Errc{});
  EXPECT_EQ(code_with([](SidecarHeader& header) { header.zero = 1; }), Errc::corrupt);
}

// What the fuzz target begins with is made of whole sidecars; those of an older version would be refused before anything is
// looked at. To make them again: run this test with DAYBOOK_WRITE_CORPUS set.
TEST(SidecarTest, TheFuzzCorpusIsOfThisVersion) {
  const std::vector<std::pair<std::string, ModelShape>> corpus{
      {"sidecar-empty", {.events = 0}},
      {"sidecar-one-event", {.events = 1}},
      {"sidecar-rare-keys", {.events = 40, .streams = 1'000, .tags = 1'000}},
      {"sidecar-batches", {.events = 150, .streams = 40, .tags = 30, .batch_max = 7, .ids = false}},
      {"sidecar-large-keys", {.events = 300, .streams = 3, .tags = 5}},
      {"sidecar-blocks", {.events = 200, .streams = 100, .tags = 0, .tags_each_max = 0, .ids = false}},
  };
  for (const auto& [name, shape] : corpus) {
    const std::vector<std::byte> bytes = encoded(IndexModel::random(13, shape));
    std::string expected(1, '\1');
    expected.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::filesystem::path path =
        std::filesystem::path(DAYBOOK_SOURCE_DIR) / "tests" / "fuzz" / "sidecar_corpus" / name;
    if (std::getenv("DAYBOOK_WRITE_CORPUS") != nullptr) std::ofstream(path, std::ios::binary) << expected;
    std::ifstream file(path, std::ios::binary);
    const std::string found(std::istreambuf_iterator<char>(file), {});
    EXPECT_TRUE(found == expected) << path;
  }
}

TEST(SidecarTest, WantsAlignedBytes) {
  const IndexModel model = IndexModel::random(12, {.events = 10});
  const std::vector<std::byte> bytes = encoded(model);
  std::vector<std::uint64_t> words(bytes.size() / 8 + 1);
  std::byte* const odd = reinterpret_cast<std::byte*>(words.data()) + 4;
  std::memcpy(odd, bytes.data(), bytes.size());
  const auto parsed = Sidecar::parse({odd, bytes.size()}, model.identity());
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace daybook::index
