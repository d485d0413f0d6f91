#include <algorithm>
#include <utility>

#include "support/sim_state.h"

namespace daybook::test {

SimUndecided::SimUndecided(const SimDirData& root) : root_(root) { add_directory(root); }

// In an order that depends on names and history only, never on addresses: a seed must mean the same in every run.
void SimUndecided::add_directory(const SimDirData& directory) {
  if (std::ranges::find(directories_, &directory) != directories_.end()) return;
  directories_.push_back(&directory);
  for (std::size_t i = 0; i < directory.pending.size(); ++i) {
    items_.push_back({.kind = Kind::name, .directory = &directory, .change = i, .times = {directory.pending[i].when}});
  }
  for (const auto& [name, node] : directory.durable) add_node(node);
  for (const SimNameChange& change : directory.pending) add_node(change.node);
}

void SimUndecided::add_node(const SimNode& node) {
  if (node.directory) add_directory(*node.directory);
  if (node.file) add_file(*node.file);
}

void SimUndecided::add_file(const SimFileData& file) {
  if (std::ranges::find(files_, &file) != files_.end()) return;
  files_.push_back(&file);
  if (!file.pending_sizes().empty()) {
    Item item{.kind = Kind::size, .file = &file};
    for (const auto& size : file.pending_sizes()) item.times.push_back(size.when);
    items_.push_back(std::move(item));
  }
  for (const auto& [sector, pending] : file.pending()) {
    Item item{.kind = Kind::sector, .file = &file, .sector = sector};
    for (const auto& version : pending.versions) item.times.push_back(version.when);
    items_.push_back(std::move(item));
  }
}

SimFileData::Sector SimUndecided::sector(std::size_t item, std::size_t outcome) const {
  const Item& it = items_[item];
  if (outcome == 0) return it.file->durable_sector(it.sector);
  return it.file->pending().at(it.sector).versions[outcome - 1].bytes;
}

namespace {

// Builds the tree of names anew, each file and directory once.
class TreeBuilder {
 public:
  std::map<const SimFileData*, SimFileData::Image> images;
  std::map<const SimDirData*, std::vector<bool>> changes;  // which of the pending ones happen

  std::shared_ptr<SimDirData> build(const SimDirData& from) {
    auto& to = directories_[&from];
    if (to) return to;
    to = std::make_shared<SimDirData>();
    SimNames names = from.durable;
    for (std::size_t i = 0; i < from.pending.size(); ++i) {
      if (changes.at(&from)[i]) from.pending[i].apply(names);
    }
    for (const auto& [name, node] : names) to->newest.emplace(name, build(node));
    to->durable = to->newest;
    return to;
  }

 private:
  SimNode build(const SimNode& node) {
    if (node.directory) return {nullptr, build(*node.directory)};
    auto& file = files_[node.file.get()];
    if (!file) file = node.file->after_power_cut(images.at(node.file.get()));
    return {file, nullptr};
  }

  std::map<const SimDirData*, std::shared_ptr<SimDirData>> directories_;
  std::map<const SimFileData*, std::shared_ptr<SimFileData>> files_;
};

}  // namespace

std::shared_ptr<SimDirData> SimUndecided::decide(
    std::span<const std::size_t> outcomes,
    const std::optional<std::pair<std::size_t, SimFileData::Sector>>& noise) const {
  TreeBuilder builder;
  for (const SimFileData* file : files_) builder.images[file].size = file->durable_size();
  for (const SimDirData* directory : directories_) builder.changes[directory].resize(directory->pending.size());
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    const bool is_noise = noise && noise->first == i;
    if (outcomes[i] == 0 && !is_noise) continue;
    switch (item.kind) {
      case Kind::sector:
        builder.images[item.file].sectors.emplace_back(item.sector, is_noise ? noise->second : sector(i, outcomes[i]));
        break;
      case Kind::size: builder.images[item.file].size = item.file->pending_sizes()[outcomes[i] - 1].size; break;
      case Kind::name: builder.changes[item.directory][item.change] = true; break;
    }
  }
  return builder.build(root_);
}

}  // namespace daybook::test
