// A file that is there whole or not at all: written beside its target, synced, renamed, folder synced.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/record/descriptor.hpp"

namespace isorbit::core {

/// Writes a file of its own beside the target; `commit` makes it the target, and the last of several wins.
/// Destroyed without commit it leaves the target as it was. Every failure (full disk, missing folder) is a
/// std::system_error that names the path and the cause.
class DurableFile {
 public:
  explicit DurableFile(std::filesystem::path target);
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Gives the file these permissions.
  void permit(unsigned mode);
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path part_;
  std::optional<Descriptor> file_;  // until it is committed
};

/// Writes a file of these bytes alone.
void write_durably(const std::filesystem::path& target, std::span<const std::byte> bytes);
inline void write_durably(const std::filesystem::path& target, std::string_view text) {
  write_durably(target, std::as_bytes(std::span(text)));
}

/// Where one writer alone writes the bytes for `target` until they are published: `<target>.part`.
[[nodiscard]] std::filesystem::path part_of(const std::filesystem::path& target);

/// Syncs `part`, renames it to `target` (replacing it) and syncs the folder.
void publish(const std::filesystem::path& part, const std::filesystem::path& target);

/// What stands at the end of the symbolic links at `path`, or would: a file that may be replaced by renaming.
/// Throws std::system_error naming the path for a folder (EISDIR), for a device, a pipe and the like
/// (EEXIST), and for links in a circle (ELOOP).
[[nodiscard]] std::filesystem::path file_to_replace(const std::filesystem::path& path);

/// Waits until names made or removed in a folder are on the disk.
void sync_folder(const std::filesystem::path& folder);

/// write(2) until all is written or it fails; throws std::system_error naming `path` and the cause.
void write_fully(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path);

/// The whole file. Throws std::system_error where it cannot be read, and std::runtime_error where it is no
/// regular file; both name the path and the cause.
[[nodiscard]] std::vector<std::byte> read_bytes(const std::filesystem::path& path);

}  // namespace isorbit::core
