// What a SimDisk and everything opened on it share: the tree of names, and the lock. Internal to the simulator.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/directory.h"
#include "support/io_faults.h"
#include "support/sim_file_data.h"

namespace daybook::test {

struct SimDirData;

// What a name stands for: one of the two.
struct SimNode {
  std::shared_ptr<SimFileData> file;
  std::shared_ptr<SimDirData> directory;
  friend bool operator==(const SimNode&, const SimNode&) = default;
};
using SimNames = std::map<std::string, SimNode, std::less<>>;

// A change of names that is not durable.
struct SimNameChange {
  enum class Kind : std::uint8_t { add, move, erase };
  SimTime when = 0;
  Kind kind{};
  std::string name;  // of the node, before
  std::string to;    // move: after
  SimNode node;
  bool abandoned = false;  // a sync has failed: no later one makes it durable ...
  bool overtaken = false;  // ... and a later change of the same name was made so

  [[nodiscard]] bool touches(std::string_view other) const { return name == other || to == other; }

  // As it would be done on a disk where any of the changes before it may be missing.
  void apply(SimNames& names) const;
};

struct SimDirData {
  SimNames newest;
  SimNames durable;
  std::vector<SimNameChange> pending;

  void change(SimNameChange change);
  void sync();
  void fail_sync();
};

// Thread safety: `faults` any; everything else with `mutex` held.
struct SimState {
  std::mutex mutex;
  const std::shared_ptr<IoFaults> faults = std::make_shared<IoFaults>();
  std::shared_ptr<SimDirData> root = std::make_shared<SimDirData>();
  std::vector<std::weak_ptr<SimFileData>> files;  // all that somebody can still reach
  SimTime clock = 0;
  std::uint64_t next_id = 1;
  std::optional<std::uint64_t> capacity;

  void observe();
  std::shared_ptr<SimFileData> make_file();
  void adopt(const std::shared_ptr<SimFileData>& file) { files.push_back(file); }
  [[nodiscard]] bool has_room(std::uint64_t bytes) const;
};

// The beginning of every call of the seam: counts it, observes, and holds the lock until the end.
struct SimCall {
  SimCall(SimState& state, IoCall call);

  std::optional<IoFaults::Hit> hit;
  std::unique_lock<std::mutex> lock;
};

std::unique_ptr<io::Directory> open_sim_directory(std::shared_ptr<SimState> state,
                                                  std::shared_ptr<SimDirData> directory);
std::unique_ptr<io::File> open_sim_file(std::shared_ptr<SimState> state, std::shared_ptr<SimFileData> data,
                                        io::Directory::OpenMode mode);

// Everything below `root` that a power cut decides about.
class SimUndecided {
 public:
  explicit SimUndecided(const SimDirData& root);

  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  // The moments of the item's changes, in order. Its outcomes are 0 (none of them) to times(i).size() (the last).
  [[nodiscard]] const std::vector<SimTime>& times(std::size_t item) const noexcept { return items_[item].times; }
  [[nodiscard]] bool is_sector(std::size_t item) const noexcept { return items_[item].kind == Kind::sector; }
  // What the sector is before and after its n-th change, 0 = durable.
  [[nodiscard]] SimFileData::Sector sector(std::size_t item, std::size_t outcome) const;

  // The tree with these outcomes; noise[i], if given, is the content of the sector of item i instead.
  [[nodiscard]] std::shared_ptr<SimDirData> decide(
      std::span<const std::size_t> outcomes,
      const std::optional<std::pair<std::size_t, SimFileData::Sector>>& noise) const;

 private:
  enum class Kind : std::uint8_t { sector, size, name };
  struct Item {
    Kind kind{};
    const SimFileData* file = nullptr;
    std::uint32_t sector = 0;
    const SimDirData* directory = nullptr;
    std::size_t change = 0;
    std::vector<SimTime> times;
  };

  void add_directory(const SimDirData& directory);
  void add_node(const SimNode& node);
  void add_file(const SimFileData& file);

  const SimDirData& root_;
  std::vector<Item> items_;
  std::vector<const SimFileData*> files_;
  std::vector<const SimDirData*> directories_;
};

// The tree as it is, for a new disk.
std::shared_ptr<SimDirData> copy_tree(const SimDirData& root);

}  // namespace daybook::test
