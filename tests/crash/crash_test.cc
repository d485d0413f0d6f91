// The crash campaign: seeded scripts over a store on a simulated disk, and for every moment of them what a power cut or
// SIGKILL may leave. The promises that each image is held to:
//
//   I1 what was acknowledged as durable is there, byte for byte      I2 what is there is a prefix of the published order
//   I3 nothing is there that was never appended                      I4 nothing that was cut comes back, after k crashes
//   I5 recovery may itself be cut off anywhere                       and an honest disk is never called corrupt
//   I6 indexes answer as the log does, whatever sidecars are left
//
//   DAYBOOK_CRASH_SEED=<n>    runs that one script, many times over
//   DAYBOOK_CRASH_IMAGES=<n>  how many images instead of the default
//   DAYBOOK_CRASH_KEEP=0      does not write the image that broke a promise to $TMPDIR/daybook-crash-<seed>
//
// The writer's own threads run as they will, so a seed gives the same script but not the same moments: hence the image.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "crash/lying_directory.h"
#include "crash/scenario.h"

namespace daybook::test {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
constexpr std::uint64_t kImages = 20'000;
#else
constexpr std::uint64_t kImages = 200'000;
#endif

void run_seeds(Campaign& campaign, std::uint64_t first, std::uint64_t images) {
  for (std::uint64_t seed = first; campaign.images < images && !campaign.violation; ++seed) {
    Scenario(seed, campaign).run();
  }
}

void report(const Campaign& campaign, std::chrono::duration<double> time) {
  std::printf(
      "%llu images in %.1f s (%.0f/s): %llu of SIGKILL, %llu taken in a recovery, %llu through the whole store, %llu "
      "lost something that was not durable\n%llu scripts: %llu appends (%llu conditional), %llu events, %llu frames "
      "rejected at publish, %llu clean reopenings, %llu crashes gone on from, up to %llu segments\n",
      static_cast<unsigned long long>(campaign.images), time.count(),
      static_cast<double>(campaign.images) / time.count(), static_cast<unsigned long long>(campaign.killed),
      static_cast<unsigned long long>(campaign.in_recovery), static_cast<unsigned long long>(campaign.opened),
      static_cast<unsigned long long>(campaign.cut), static_cast<unsigned long long>(campaign.scenarios),
      static_cast<unsigned long long>(campaign.appends), static_cast<unsigned long long>(campaign.conditional),
      static_cast<unsigned long long>(campaign.events), static_cast<unsigned long long>(campaign.rejected_frames),
      static_cast<unsigned long long>(campaign.reopened), static_cast<unsigned long long>(campaign.crashes),
      static_cast<unsigned long long>(campaign.segments));
  std::fflush(stdout);
}

TEST(CrashTest, NoImageBreaksAPromise) {
  Campaign campaign;
  campaign.keep_image = number_from("DAYBOOK_CRASH_KEEP", 1) != 0;
  const auto begun = std::chrono::steady_clock::now();
  const std::uint64_t images = number_from("DAYBOOK_CRASH_IMAGES", kImages);
  if (const std::uint64_t seed = number_from("DAYBOOK_CRASH_SEED", 0); seed != 0) {
    while (campaign.images < images && !campaign.violation) Scenario(seed, campaign).run();
  } else {
    run_seeds(campaign, 1, images);
  }
  report(campaign, std::chrono::steady_clock::now() - begun);
  EXPECT_FALSE(campaign.violation) << *campaign.violation;
  EXPECT_GE(campaign.images, images);
  // A campaign in which nothing happens proves nothing.
  EXPECT_GT(campaign.cut, images / 20);
  EXPECT_GT(campaign.killed, images / 50);
  EXPECT_GT(campaign.in_recovery, images / 50);
  EXPECT_GT(campaign.tails, images / 10);
  EXPECT_GE(campaign.segments, 3u);
}

// The harness bites: a disk that acknowledges syncs and does not do them is found out at once.
TEST(CrashTest, ADiskThatLiesIsFoundOut) {
  Campaign campaign;
  campaign.wrap = make_lying;
  campaign.keep_image = false;
  run_seeds(campaign, 1, 5'000);
  ASSERT_TRUE(campaign.violation) << "after " << campaign.images << " images";
  std::printf("found after %llu images: %s\n", static_cast<unsigned long long>(campaign.images),
              campaign.violation->c_str());
}

}  // namespace
}  // namespace daybook::test
