// A seeded script over a store on a simulated disk, with crash images taken of it all the time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <daybook/store.h>

#include "crash/history.h"
#include "crash/image.h"
#include "io/directory.h"
#include "support/rng.h"
#include "support/sim_disk.h"

namespace daybook::test {

// Adds up what scenarios did, and keeps the first violation.
struct Campaign {
  std::uint64_t images = 0;
  std::uint64_t killed = 0;       // of them, after SIGKILL
  std::uint64_t cut = 0;          // of them, that lost something not durable
  std::uint64_t in_recovery = 0;  // of them, taken while another one was recovered
  std::uint64_t opened = 0;       // of them, through the whole store
  std::uint64_t tails = 0;        // of them, by reading the tail and the whole log, with the same result
  std::uint64_t scenarios = 0;
  std::uint64_t appends = 0;
  std::uint64_t events = 0;
  std::uint64_t conditional = 0;      // of the appends
  std::uint64_t rejected_frames = 0;  // refused at publish, after a race
  std::uint64_t reopened = 0;         // clean
  std::uint64_t crashes = 0;          // that the script went on from, power or SIGKILL
  std::uint64_t segments = 0;         // the most in one scenario

  std::uint64_t images_per_point = 4;
  std::optional<std::string> violation;
  bool keep_image = true;  // writes the image that broke a promise to a directory

  // Puts something between the store and its disk: a disk that lies.
  std::unique_ptr<io::Directory> (*wrap)(std::unique_ptr<io::Directory>) = nullptr;
};

class Scenario {
 public:
  Scenario(std::uint64_t seed, Campaign& campaign);
  ~Scenario();

  // Runs to its end, or to the first violation.
  void run();

 private:
  struct Image {
    SimDisk disk;
    History::Bounds bounds;
    bool killed = false;
    std::string how;
  };

  void open();
  void act();
  void append_one();
  void append_batch();
  void append_to_several();
  void append_slowly();
  void append_a_loser();
  void append_refused();
  void sync();
  void close_and_reopen();
  void crash_and_reopen();

  std::vector<StoredEvent> make_frame(std::size_t streams, std::size_t events);
  // Takes a frame to the store in some way, and to the history.
  void append(std::vector<StoredEvent> frame, bool in_steps);
  void reopen_on(SimDisk disk, const std::string& how, std::size_t least, bool clean);

  Image take_image(Rng& rng, const std::string& how);
  void take_images(const std::string& how, std::uint64_t count);
  void check_images();
  void check(const Image& image);
  void fail_with(const std::string& text, const SimDisk* disk);
  [[nodiscard]] bool failed() const { return campaign_.violation.has_value(); }

  const std::uint64_t seed_;
  Campaign& campaign_;
  Rng rng_;
  History history_;
  OpenOptions options_;
  std::size_t events_max_ = 0;
  std::uint64_t serial_ = 0;
  std::string doing_;

  std::mutex images_mutex_;
  std::vector<Image> images_;
  Rng background_rng_;  // of the hook, guarded by images_mutex_

  std::optional<SimDisk> disk_;
  std::optional<Store> store_;
};

}  // namespace daybook::test
