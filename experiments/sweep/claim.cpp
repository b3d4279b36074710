#include "experiments/sweep/claim.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <random>
#include <system_error>

#include "core/record/durable_file.hpp"
#include "core/record/unreadable.hpp"
#include "experiments/training/attempts.hpp"
#include "experiments/training/result.hpp"
#include "experiments/training/trainer.hpp"

namespace isorbit::experiments {
namespace {

/// A folder that no other process or thread has, on any machine; who may use it is for the umask and the
/// cell's folder to say.
std::filesystem::path folder_of_our_own(const std::filesystem::path& cell_folder) {
  std::random_device random;
  while (true) {
    std::filesystem::path name =
        cell_folder / (".claim." + std::to_string(random()) + std::to_string(random()));
    if (::mkdir(name.c_str(), 0777) == 0) return name;
    if (errno != EEXIST && errno != EINTR)
      throw std::system_error(errno, std::generic_category(), cell_folder.string() + ": cannot be claimed");
  }
}

/// Removes a folder with nothing but a lease in it.
void remove_bare(const std::filesystem::path& folder) {
  ::unlink((folder / "lease").c_str());
  ::rmdir(folder.c_str());
}

}  // namespace

std::string holder_of(const std::filesystem::path& cell_folder) {
  const std::vector<Attempt> attempts = attempts_in(cell_folder);
  const std::optional<LeaseLook> look =
      attempts.empty() ? std::nullopt : look_at_lease(attempts.front().folder / "lease");
  return look && look->owner ? look->owner->text() : "another process";
}

std::optional<Claim> Claim::take(const std::filesystem::path& cell_folder, LeaseWatch& watch,
                                 double seconds) {
  std::filesystem::create_directories(cell_folder);
  const std::vector<Attempt> before = attempts_in(cell_folder);
  if (!before.empty() && watch.is_alive(before.front().folder / "lease")) return {};
  const std::filesystem::path own = folder_of_our_own(cell_folder),
                              folder =
                                  cell_folder / attempt_name(before.empty() ? 1 : before.front().number + 1);
  try {
    HeldLease lease(own, seconds);
    const int code = ::rename(own.c_str(), folder.c_str()) == 0 ? 0 : errno;
    // A network file system may report an error for a rename that it has done: the lease tells.
    if (code != 0 && !lease.is(folder / "lease")) {
      remove_bare(own);
      if (code == EEXIST || code == ENOTEMPTY) return {};
      throw std::system_error(code, std::generic_category(), folder.string());
    }
    core::sync_folder(cell_folder);
    std::vector<std::filesystem::path> earlier;
    for (const Attempt& attempt : before) earlier.push_back(attempt.folder);
    return Claim(folder, std::move(earlier), std::move(lease));
  } catch (...) {
    remove_bare(own);
    throw;
  }
}

void Claim::check() const {
  const std::filesystem::path cell_folder = folder_.parent_path();
  if (core::is_there(done_path(cell_folder)))
    throw Superseded((cell_folder / "done.json").string() + ": the cell was finished by another attempt");
  const std::vector<Attempt> attempts = attempts_in(cell_folder);
  if (attempts.empty() || attempts.front().number < attempt_number(folder_.filename().string()))
    throw Superseded(folder_.string() + ": the folder of this attempt is gone");
  if (attempts.front().folder.filename() != folder_.filename())
    throw Superseded("the cell was taken over as " + attempts.front().folder.filename().string() + " by " +
                     holder_of(cell_folder));
}

void Claim::abandon() && {
  lease_.reset();
  remove_bare(folder_);
}

}  // namespace isorbit::experiments
