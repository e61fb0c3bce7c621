#include "adapters/eureka/registry_client.hpp"
#include "base/thread_name.hpp"
#include "http/message/host_address.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_future.hpp>

namespace market::eureka {

using registry::RegisteredInstance;
using registry::Status;

namespace {

constexpr Millis retry_pause{1'000};
constexpr Millis silence_max{30'000};                       ///< The stream says something every 10 s.
constexpr std::size_t event_bytes_max = 256 * 1024 * 1024;  ///< A full registry of ours fits.
constexpr Millis call_time{3'000};

asio::awaitable<void> sleep(asio::steady_timer& timer, Millis pause) {
  boost::system::error_code ignored;
  timer.expires_after(pause);
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

RegisteredInstance instance_of(const RegistryClientSettings& settings, const std::string& service) {
  RegisteredInstance instance;
  const std::string port = std::to_string(settings.port);
  const std::string base = "http://" + http::host_in_url(settings.host) + ":" + port;
  instance.id = settings.host + ":" + service + ":" + port;
  instance.host = instance.ip = settings.host;
  instance.app = registry::upper(service);
  instance.vip = instance.secure_vip = service;
  instance.port = {settings.port, true};
  instance.secure_port = {443, false};
  instance.home_page_url = base + "/";
  instance.status_page_url = base + "/info";
  instance.health_check_url = base + "/health/ready";
  instance.status = Status::up;
  const auto seconds = [](Millis time) { return std::max<std::int64_t>(1, (time.count() + 999) / 1000); };
  instance.lease.renewal_seconds = seconds(settings.renewal_interval);
  instance.lease.duration_seconds = seconds(settings.lease);
  instance.metadata["management.port"] = port;
  if (!settings.zone.empty()) instance.metadata["zone"] = settings.zone;
  return instance;
}

std::string path_of(const RegisteredInstance& instance) {
  return "apps/" + instance.app + "/" + instance.key();
}

}  // namespace

RegistryClient::RegistryClient(RegistryClientSettings settings, const Clock& clock)
    : settings_(std::move(settings)),
      clock_(clock),
      known_(clock, settings_.allowed),
      work_(asio::make_work_guard(io_)),
      renew_timer_(io_),
      fetch_timer_(io_) {
  for (const auto& base : settings_.registries)
    registries_.push_back(std::make_unique<http::Client>(io_.get_executor(), base));
  for (const auto& service : settings_.services) mine_.push_back({instance_of(settings_, service), false});
}

RegistryClient::~RegistryClient() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

void RegistryClient::start() {
  if (registries_.empty()) return;
  tasks_.spawn(io_.get_executor(), keep_registered());
  tasks_.spawn(io_.get_executor(), keep_list());
  thread_ = std::thread([this] {
    name_thread("registry-client");
    io_.run();
  });
}

void RegistryClient::apply(std::string zone, http::AllowedAddresses allowed) {
  if (registries_.empty()) return;
  asio::post(io_, [this, zone = std::move(zone), allowed = std::move(allowed)]() mutable {
    known_.set_allowed(std::move(allowed));
    known_.publish();
    if (zone == settings_.zone) return;
    settings_.zone = std::move(zone);
    for (Mine& mine : mine_) {
      mine.instance.metadata.erase("zone");
      if (!settings_.zone.empty()) mine.instance.metadata["zone"] = settings_.zone;
      mine.registered = false;
    }
    renew_timer_.cancel();
  });
}

RegistryClient::State RegistryClient::state() const {
  const std::lock_guard lock(state_mutex_);
  State copy = state_;
  copy.pushed = pushed_.load();
  return copy;
}

void RegistryClient::note_asked() {
  {
    const std::lock_guard lock(state_mutex_);
    asked_once_ = true;
  }
  asked_.notify_all();
}

void RegistryClient::wait_for_list(Millis most) {
  if (registries_.empty()) return;
  std::unique_lock lock(state_mutex_);
  asked_.wait_for(lock, most, [this] { return asked_once_; });
}

void RegistryClient::note_reached(std::size_t index) {
  const std::lock_guard lock(state_mutex_);
  current_ = index;
  state_.registry = registries_[index]->base().text();
  if (!state_.reached) spdlog::info("registry: {} answers", state_.registry);
  state_.reached = true;
  state_.trouble.clear();
}

tl::unexpected<Error> RegistryClient::trouble(Error error) {
  const std::lock_guard lock(state_mutex_);
  if (state_.reached || state_.errors == 0) spdlog::warn("registry is away: {}", error.detail);
  state_.reached = false;
  state_.trouble = error.detail;
  ++state_.errors;
  return tl::unexpected(std::move(error));
}

Task<http::ClientReply> RegistryClient::send(http::ClientRequest request) {
  request.deadline = call_time;
  Error last(Code::unavailable, "no registry");
  const std::size_t first = current_;
  for (std::size_t i = 0; i < registries_.size(); ++i) {
    const std::size_t index = (first + i) % registries_.size();
    auto reply = co_await registries_[index]->send(request);
    if (reply && reply->status < 500) {
      note_reached(index);
      co_return reply;
    }
    last = reply ? Error(Code::unavailable,
                         registries_[index]->base().text() + " answered " + std::to_string(reply->status))
                 : reply.error();
  }
  co_return trouble(std::move(last));
}

// ---- our own instances -----------------------------------------------------------------------------------

Task<> RegistryClient::enroll(Mine& mine) {
  mine.instance.dirty_ms = clock_.now().time_since_epoch().count();
  http::ClientRequest request;
  request.method = http::Method::post;
  request.path = "apps/" + mine.instance.app;
  request.accept = request.content_type = http::json_type;
  request.body = wire::eureka::json_instance(mine.instance, wire::eureka::Detail::full);
  const auto reply = co_await send(std::move(request));
  if (!reply) co_return tl::unexpected(reply.error());
  mine.registered = reply->status / 100 == 2;
  // One that drains stays out of service; its successor returns.
  if (mine.registered && (mine.known_before || mine.instance.status != Status::up)) co_return Result<>();
  if (mine.registered) {
    const auto returned = co_await return_to_service(mine.instance);
    mine.known_before = returned.has_value();
    mine.registered = mine.known_before;
    co_return returned;
  }
  Error refused(Code::forbidden,
                "registering " + mine.instance.app + " was answered " + std::to_string(reply->status));
  co_return trouble(std::move(refused));
}

Task<> RegistryClient::renew(Mine& mine) {
  if (!mine.registered) {
    const auto enrolled = co_await enroll(mine);
    co_return enrolled;
  }
  http::ClientRequest request;
  request.method = http::Method::put;
  request.path = path_of(mine.instance) + "?status=" + std::string(name_of(mine.instance.status)) +
                 "&lastDirtyTimestamp=" + std::to_string(mine.instance.dirty_ms);
  request.accept = http::json_type;
  const auto reply = co_await send(std::move(request));
  if (!reply) co_return tl::unexpected(reply.error());
  if (reply->status == 404) {
    if (leaving_) co_return Result<>();  // It was taken out by leave_all().
    const auto enrolled = co_await enroll(mine);
    co_return enrolled;
  }
  if (reply->status != 200)
    co_return trouble(
        Error(Code::unavailable, "the heartbeat was answered " + std::to_string(reply->status)));
  const std::lock_guard lock(state_mutex_);
  ++state_.renewals;
  co_return Result<>();
}

asio::awaitable<void> RegistryClient::keep_registered() {
  while (!leaving_) {
    bool all = true;
    renewing_ = true;
    for (Mine& mine : mine_) {
      if (leaving_) break;
      const auto renewed = co_await renew(mine);
      all = all && renewed.has_value();
    }
    renewing_ = false;
    {
      const std::lock_guard lock(state_mutex_);
      state_.registered = all && !mine_.empty();
    }
    // A registry that was away is asked again soon: nobody should miss us for a whole interval.
    co_await sleep(renew_timer_,
                   all ? settings_.renewal_interval : std::min(retry_pause, settings_.renewal_interval));
  }
}

/// A registration under way could arrive behind what is said now, and undo it.
asio::awaitable<void> RegistryClient::wait_for_renewals() {
  asio::steady_timer pause(io_);
  while (renewing_) co_await sleep(pause, Millis(5));
}

asio::awaitable<void> RegistryClient::withdraw_all() {
  co_await wait_for_renewals();
  std::string failed;
  for (Mine& mine : mine_) {
    http::ClientRequest request;
    request.method = http::Method::put;
    request.path = path_of(mine.instance) + "/status?value=OUT_OF_SERVICE";
    const auto told = co_await send(std::move(request));
    if (!told) failed = told.error().detail;
  }
  if (!failed.empty()) spdlog::warn("registry: the end could not be announced: {}", failed);
}

/// A predecessor that was killed while it drained has left its OUT_OF_SERVICE behind: it would hold for ever.
/// Where it registered as that, there is no override to drop, and a stored status outlives a registration:
/// an override of UP changes it first.
Task<> RegistryClient::return_to_service(const RegisteredInstance& instance) {
  for (const auto method : {http::Method::put, http::Method::del}) {
    http::ClientRequest request;
    request.method = method;
    request.path = path_of(instance) + "/status?value=UP";
    const auto done = co_await send(std::move(request));
    if (!done) co_return tl::unexpected(done.error());
  }
  co_return Result<>();
}

asio::awaitable<void> RegistryClient::leave_all() {
  co_await wait_for_renewals();
  std::string failed;
  for (Mine& mine : mine_) {
    http::ClientRequest request;
    request.method = http::Method::del;
    request.path = path_of(mine.instance);
    const auto left = co_await send(std::move(request));
    mine.registered = false;
    if (!left) failed = left.error().detail;
  }
  // Once: it is the registry that cannot be reached, whichever instance says so.
  if (!failed.empty()) spdlog::warn("registry: leaving failed: {}", failed);
}

template <class Work>
void RegistryClient::run_bounded(Work work, Millis most) {
  if (!thread_.joinable() || mine_.empty()) return;
  auto done = asio::co_spawn(io_, work(), asio::use_future);
  done.wait_for(most);
}

void RegistryClient::withdraw(Millis most) {
  asio::post(io_, [this] {
    for (Mine& mine : mine_) mine.instance.status = Status::out_of_service;
  });
  run_bounded([this] { return withdraw_all(); }, most);
}

void RegistryClient::leave(Millis most) {
  asio::post(io_, [this] {
    leaving_ = true;
    renew_timer_.cancel();
  });
  run_bounded([this] { return leave_all(); }, most);
}

// ---- the list of all others ------------------------------------------------------------------------------

Task<> RegistryClient::fetch_whole() {
  http::ClientRequest request;
  request.path = "apps/";
  request.accept = http::json_type;
  const auto reply = co_await send(std::move(request));
  if (!reply) co_return tl::unexpected(reply.error());
  if (reply->status != 200)
    co_return trouble(Error(Code::unavailable, "the fetch was answered " + std::to_string(reply->status)));
  auto list = wire::eureka::parse_json_applications(reply->body);
  if (!list) co_return trouble(list.error());
  known_.replace(std::move(list->instances));
  known_.publish();
  co_return Result<>();
}

Task<> RegistryClient::fetch() {
  if (!known_.empty()) {
    http::ClientRequest request;
    request.path = "apps/delta";
    request.accept = http::json_type;
    const auto reply = co_await send(std::move(request));
    if (!reply) co_return tl::unexpected(reply.error());
    const auto delta = reply->status == 200 ? wire::eureka::parse_json_applications(reply->body)
                                            : Result<wire::eureka::Applications>(fail(Code::unavailable, ""));
    if (delta && !delta->version.empty() && delta->version != "-1") {
      for (const RegisteredInstance& change : delta->instances) known_.apply(change);
      known_.drop_doubtful();
      if (known_.hash() == delta->hash) {
        known_.publish();
        co_return Result<>();
      }
    }
  }
  const auto whole = co_await fetch_whole();
  co_return whole;
}

/// Whole events of the stream; the rest waits for more bytes.
void RegistryClient::take_events(std::string_view piece) {
  pushed_.store(true);
  // Its end may lie across two pieces; what was searched before is not searched again.
  std::size_t search_from = events_.empty() ? 0 : events_.size() - 1;
  events_.append(piece);
  std::size_t taken = 0, end = 0;
  while ((end = events_.find("\n\n", search_from)) != std::string::npos) {
    const std::string_view event = std::string_view(events_).substr(taken, end - taken);
    taken = search_from = end + 2;
    const auto data_at = event.find("data: ");
    if (data_at == std::string_view::npos) continue;
    const std::string_view data = event.substr(data_at + 6);
    if (event.starts_with("event: list")) {
      auto list = wire::eureka::parse_json_applications(data);
      if (list) known_.replace(std::move(list->instances));
    } else if (const auto change = wire::eureka::parse_json_instance(data)) {
      known_.apply(*change);
    }
  }
  events_.erase(0, taken);
  if (events_.size() > event_bytes_max) events_.clear();
  known_.drop_doubtful();
  known_.publish();
}

Task<> RegistryClient::listen(std::size_t index) {
  events_.clear();
  http::ClientRequest request;
  request.path = "stream";
  request.accept = "text/event-stream";
  request.deadline = call_time;
  const auto ended = co_await registries_[index]->stream(
      std::move(request), [this](std::string_view piece) { take_events(piece); }, silence_max);
  pushed_.store(false);
  co_return ended;
}

asio::awaitable<void> RegistryClient::keep_list() {
  while (!leaving_) {
    const auto fetched = co_await fetch();
    note_asked();
    if (!fetched) {
      known_.drop_doubtful();
      known_.publish();
      co_await sleep(fetch_timer_, retry_pause);
      continue;
    }
    // Our own registries push. A Netflix one has no such path and answers at once: then it is polled.
    const auto before = clock_.now();
    const auto listened = co_await listen(current_);
    if (!listened) spdlog::debug("registry: no push: {}", listened.error().detail);
    const bool was_pushed = clock_.now() - before > retry_pause;
    co_await sleep(fetch_timer_, was_pushed ? Millis(50) : settings_.fetch_interval);
  }
}

}  // namespace market::eureka
