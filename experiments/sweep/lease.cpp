#include "experiments/sweep/lease.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <stop_token>
#include <system_error>
#include <thread>

#include "core/document/json.hpp"
#include "core/document/json_integer.hpp"
#include "core/record/durable_file.hpp"
#include "core/record/own_document.hpp"
#include "core/record/unreadable.hpp"
#include "experiments/sweep/file_lock.hpp"

namespace isorbit::experiments {
namespace {

using core::Json;
using Steady = std::chrono::steady_clock;

std::chrono::nanoseconds time_of(const struct stat& status) {
  return std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string scheduler_job() {
  const std::string array = environment("SLURM_ARRAY_JOB_ID"), task = environment("SLURM_ARRAY_TASK_ID");
  return array.empty() || task.empty() ? environment("SLURM_JOB_ID") : array + "_" + task;
}

Json json_of(const Owner& o) {
  return {{"host", o.host},   {"boot", o.boot},         {"pid", o.pid},     {"uid", o.uid},
          {"job", o.job},     {"restarts", o.restarts}, {"start", o.start}, {"seconds", o.seconds},
          {"locks", o.locks}, {"ended", o.ended}};
}

std::optional<Owner> owner_of(const std::filesystem::path& file) {
  try {
    const Json json = core::read_own_document(file).root;
    const auto text = [&](const char* key) { return json.at(key).get<std::string>(); };
    const auto integer = [&](const char* key) { return core::integer_of(json.at(key)); };
    const auto flag = [&](const char* key) { return json.at(key).get<bool>(); };
    return Owner{text("host"),
                 text("boot"),
                 integer("pid"),
                 integer("uid"),
                 text("job"),
                 integer("restarts"),
                 json.at("start").get<double>(),
                 json.at("seconds").get<double>(),
                 flag("locks"),
                 flag("ended")};
  } catch (const std::exception&) {
    return {};
  }
}

/// Now, by the clock that stamps files in the folder; by this machine's where nothing can be written there.
std::chrono::nanoseconds clock_of(const std::filesystem::path& folder) {
  std::string name = (folder / ".clock.XXXXXX").string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return std::chrono::system_clock::now().time_since_epoch();
  struct stat status {};
  const bool known = ::futimens(descriptor, nullptr) == 0 && ::fstat(descriptor, &status) == 0;
  ::close(descriptor);
  ::unlink(name.c_str());
  return known ? time_of(status) : std::chrono::system_clock::now().time_since_epoch();
}

/// Stamps it with the time of now. Where that is forbidden it stays with those that watch it.
void touch(const std::filesystem::path& file) { (void)::utimensat(AT_FDCWD, file.c_str(), nullptr, 0); }

}  // namespace

std::string Owner::text() const {
  return host + " pid " + std::to_string(pid) + (job.empty() ? "" : " job " + job);
}

Owner this_owner(double seconds) {
  Owner owner;
  owner.host = host_name();
  owner.boot = boot_id();
  owner.pid = ::getpid();
  owner.uid = static_cast<std::int64_t>(::getuid());
  owner.job = scheduler_job();
  owner.restarts = std::atoll(environment("SLURM_RESTART_COUNT").c_str());
  owner.start = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  owner.seconds = seconds;
  return owner;
}

bool LeaseLook::is_free() const {
  if (!owner || locked.value_or(false)) return false;
  return owner->ended || (locked && owner->locks && owner->host == host_name() && owner->boot == boot_id());
}

std::optional<LeaseLook> look_at_lease(const std::filesystem::path& file) {
  const auto status = core::status_of(file);
  if (!status) return {};
  LeaseLook look;
  try {
    look.locked = FileLock::is_taken(file);
  } catch (const std::system_error&) {
    // No lock can be asked for: the time tells.
  }
  look.owner = owner_of(file);
  look.touched = time_of(*status);
  return look;
}

bool LeaseWatch::is_alive(const std::filesystem::path& file) {
  const std::optional<LeaseLook> look = look_at_lease(file);
  if (!look || look->is_free()) return false;
  const std::chrono::duration<double> lasts(look->seconds());
  const auto age = clock_of(file.parent_path().parent_path()) - look->touched;
  const auto now = Steady::now();
  const std::scoped_lock lock(mutex_);
  Seen& seen = seen_.try_emplace(file, Seen{look->touched, now}).first->second;
  if (seen.touched != look->touched) seen = {look->touched, now};
  if (age < -lasts) touch(file);
  return age < lasts && now - seen.when < lasts;
}

struct HeldLease::State {
  State(const std::filesystem::path& folder, double seconds)
      : file(folder / "lease"), owner(this_owner(seconds)) {}

  std::filesystem::path file;
  Owner owner;
  std::optional<FileLock> lock;
  int descriptor = -1;  // of the lock, or of its own where there are no locks
  std::mutex mutex;
  std::condition_variable_any woken;
  std::jthread heart;  // last: it uses the rest

  void write() const {
    const std::string text = json_of(owner).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    if (::ftruncate(descriptor, 0) != 0 || ::lseek(descriptor, 0, SEEK_SET) != 0)
      throw std::system_error(errno, std::generic_category(), file.string());
    core::write_fully(descriptor, std::as_bytes(std::span(text)), file);
  }
  void beat(const std::stop_token& stop) {
    const std::chrono::duration<double> period(owner.seconds / 6);
    std::unique_lock held(mutex);
    while (!woken.wait_for(held, stop, period, [] { return false; }) && !stop.stop_requested())
      (void)::futimens(descriptor, nullptr);  // where it fails the lease runs out, and the fence tells
  }
};

HeldLease::HeldLease(const std::filesystem::path& folder, double seconds)
    : state_(std::make_unique<State>(folder, seconds)) {
  State& state = *state_;
  try {
    state.lock = FileLock::take(state.file);
  } catch (const std::system_error& error) {
    if (!FileLock::means_none(error.code().value())) throw;
  }
  state.owner.locks = state.lock.has_value();
  state.descriptor = state.lock ? state.lock->descriptor() : ::open(state.file.c_str(), O_RDWR | O_CLOEXEC);
  if (state.descriptor < 0) throw std::system_error(errno, std::generic_category(), state.file.string());
  state.write();
  state.heart = std::jthread([&state](const std::stop_token& stop) { state.beat(stop); });
}

HeldLease::~HeldLease() {
  if (!state_) return;
  state_->heart.request_stop();
  state_->heart.join();
  state_->owner.ended = true;
  try {
    state_->write();
  } catch (const std::exception&) {
    // A disk that is full: the lock tells, and elsewhere the time.
  }
  if (!state_->lock) ::close(state_->descriptor);
}

HeldLease::HeldLease(HeldLease&&) noexcept = default;

bool HeldLease::is(const std::filesystem::path& file) const {
  struct stat mine {};
  struct stat there {};
  return ::fstat(state_->descriptor, &mine) == 0 && ::stat(file.c_str(), &there) == 0 &&
         mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

}  // namespace isorbit::experiments
