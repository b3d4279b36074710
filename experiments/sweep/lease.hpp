// The lease of an attempt: a file that says who works there, locked while its process lives, and touched by
// it again and again.
//
//   {"host", "boot", "pid", "uid", "job", "restarts", "start", "seconds", "locks", "ended"}
//
// A lock tells at once that its process is gone, but only on the same machine since the same boot. From
// elsewhere, and of a process that hangs, the file's modification time tells: older than "seconds" by the
// clock of the file's own server, the lease has run out. Where that clock cannot be trusted (it was set back,
// the lease is from the future) a lease that is not touched for "seconds" while it is watched has run out
// too; and whoever looks at one from the future touches it, so that it runs out for those that come later.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace isorbit::experiments {

struct Owner {
  std::string host, boot;  // name, and the kernel's random id of this boot
  std::int64_t pid = 0, uid = 0;
  std::string job;            // of a scheduler; empty: none
  std::int64_t restarts = 0;  // by the scheduler
  double start = 0;           // seconds since 1970
  double seconds = 60;        // that the lease holds after a touch
  bool locks = true;          // false: the file system has no locks
  bool ended = false;         // it left by itself
  /// "host pid 12", "host pid 12 job 34".
  [[nodiscard]] std::string text() const;
};

/// This process, as an owner.
[[nodiscard]] Owner this_owner(double seconds);

/// What a lease says to who looks at it now.
struct LeaseLook {
  std::optional<Owner> owner;           // nothing: it cannot be read
  std::optional<bool> locked;           // a process of this machine holds it; nothing: it cannot be told
  std::chrono::nanoseconds touched{0};  // since 1970, by the server's clock

  /// The owner is gone for certain: it left by itself, or its lock here is free.
  [[nodiscard]] bool is_free() const;
  [[nodiscard]] double seconds() const { return owner ? owner->seconds : Owner().seconds; }
};

/// Nothing where there is no such file. Throws std::system_error where that cannot be told.
[[nodiscard]] std::optional<LeaseLook> look_at_lease(const std::filesystem::path& file);

/// Remembers when leases were last seen to change. Any thread may ask.
class LeaseWatch {
 public:
  /// Whether the owner must be taken to be alive. False where there is no such file. Throws as
  /// look_at_lease.
  [[nodiscard]] bool is_alive(const std::filesystem::path& file);

 private:
  struct Seen {
    std::chrono::nanoseconds touched;
    std::chrono::steady_clock::time_point when;
  };
  std::mutex mutex_;
  std::map<std::filesystem::path, Seen> seen_;
};

/// A lease of this process, touched every sixth of its seconds by a thread of its own until it is destroyed;
/// it then says that it has ended.
class HeldLease {
 public:
  /// Writes and locks <folder>/lease. Throws std::system_error with the path.
  HeldLease(const std::filesystem::path& folder, double seconds);
  ~HeldLease();
  HeldLease(HeldLease&&) noexcept;
  HeldLease& operator=(HeldLease&&) = delete;

  /// Whether the file at this path is this lease.
  [[nodiscard]] bool is(const std::filesystem::path& file) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace isorbit::experiments
