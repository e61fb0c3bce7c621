#include "services/registry/peers.hpp"

#include <spdlog/spdlog.h>
#include <boost/asio/redirect_error.hpp>
#include <unordered_set>

#include "base/task_outlive.hpp"

namespace market::registry {

using wire::eureka::Replicated;

namespace {

constexpr Millis batch_pause{500};
constexpr Millis retry_pause{1'000};
constexpr Millis fetch_time{5'000};

std::size_t bytes_of(const Replicated& item) {
  constexpr std::size_t fixed_bytes = 256;
  return fixed_bytes + item.app.size() + item.id.size() + (item.instance ? cost_of(*item.instance) : 0);
}

std::string key_of(const Replicated& item) {
  return item.app + "/" + item.id;
}

}  // namespace

struct Peers::Peer {
  Peer(const asio::any_io_executor& executor, http::BaseUrl base)
      : client(executor, std::move(base)), wake(executor) {}
  http::Client client;
  asio::steady_timer wake;
  std::size_t waiting_bytes = 0;          ///< By bytes_of.
  std::deque<Replicated> waiting;         ///< On the executor's thread alone, as the client.
  std::unordered_set<std::string> beats;  ///< Of which instances a heartbeat waits.
  mutable std::mutex mutex;               ///< Guards `state`.
  State state;

  Replicated take_first() {
    Replicated item = std::move(waiting.front());
    waiting.pop_front();
    waiting_bytes -= bytes_of(item);
    if (item.what == Replicated::What::heartbeat) beats.erase(key_of(item));
    return item;
  }
  void put_first(Replicated item) {
    if (item.what == Replicated::What::heartbeat && !beats.insert(key_of(item)).second) return;
    waiting_bytes += bytes_of(item);
    waiting.push_front(std::move(item));
  }
  void reached(std::size_t items) {
    const std::lock_guard lock(mutex);
    if (!state.reached) spdlog::info("registry: peer {} is there", client.base().text());
    state.reached = true;
    state.trouble.clear();
    state.sent += items;
    state.waiting = waiting.size();
  }
  void failed(const std::string& why) {
    const std::lock_guard lock(mutex);
    if (state.reached || state.errors == 0) spdlog::warn("registry: peer is away: {}", why);
    state.reached = false;
    state.trouble = why;
    ++state.errors;
    state.waiting = waiting.size();
  }
};

Peers::Peers(asio::any_io_executor executor, std::vector<http::BaseUrl> peers, SharedRegistry& registry)
    : executor_(std::move(executor)), registry_(registry) {
  for (auto& base : peers) {
    peers_.push_back(std::make_unique<Peer>(executor_, base));
    peers_.back()->state.url = base.text();
  }
}
Peers::~Peers() = default;

std::vector<Peers::State> Peers::states() const {
  std::vector<State> states;
  for (const auto& peer : peers_) {
    const std::lock_guard lock(peer->mutex);
    states.push_back(peer->state);
  }
  return states;
}

void Peers::queue(Peer& peer, Replicated item) {
  // One waiting heartbeat of an instance is enough: whatever else is told of it renews it too.
  if (item.what == Replicated::What::heartbeat && !peer.beats.insert(key_of(item)).second) return;
  peer.waiting_bytes += bytes_of(item);
  peer.waiting.push_back(std::move(item));
  while (peer.waiting.size() > waiting_items_max || peer.waiting_bytes > waiting_bytes_max) {
    peer.take_first();
    peer.failed("the queue for it is full");
  }
}

void Peers::tell(Replicated item) {
  if (peers_.empty()) return;
  asio::post(executor_, [this, item = std::move(item)] {
    for (const auto& peer : peers_) {
      queue(*peer, item);
      // Heartbeats wait for the batch; everything else goes at once.
      if (item.what != Replicated::What::heartbeat) peer->wake.cancel();
    }
  });
}

void Peers::start() {
  if (peers_.empty()) return;
  registry_.set_ready(false);
  tasks_.spawn(executor_, begin());
}

asio::awaitable<void> Peers::begin() {
  for (const auto& peer : peers_) {
    const auto fetched = co_await outlive("a fetch", fetch_from(*peer));
    if (fetched) break;
    peer->failed(fetched.error().detail);
  }
  registry_.set_ready(true);
  for (const auto& peer : peers_) tasks_.spawn(executor_, run(*peer));
}

Task<> Peers::learn_from(http::BaseUrl base) {
  Peer other(executor_, std::move(base));
  auto fetched = co_await fetch_from(other);
  co_return fetched;
}

Task<> Peers::fetch_from(Peer& peer) {
  http::ClientRequest request;
  request.path = "apps/";
  request.accept = http::json_type;
  request.deadline = fetch_time;
  const auto reply = co_await peer.client.send(std::move(request));
  if (!reply) co_return tl::unexpected(reply.error());
  if (reply->status != 200)
    co_return fail(Code::unavailable, "the fetch was answered " + std::to_string(reply->status));
  auto list = wire::eureka::parse_json_applications(reply->body);
  if (!list) co_return tl::unexpected(list.error());
  registry_.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
    for (auto& instance : list->instances) {
      if (!registry_.admit(instance)) continue;
      const auto taken =
          leases.enroll(std::move(instance), Source::peer, now_ms, "the first fetch from a peer");
      if (!taken) spdlog::warn("registry: {}", taken.error().detail);
    }
  });
  peer.reached(0);
  spdlog::info("registry: {} instances fetched from {}", list->instances.size(), peer.client.base().text());
  co_return Result<>();
}

asio::awaitable<void> Peers::run(Peer& peer) {
  for (;;) {
    boost::system::error_code ignored;
    peer.wake.expires_after(batch_pause);
    co_await peer.wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    bool failed = false;
    while (!peer.waiting.empty() && !failed) {
      const auto sent = co_await outlive("a batch", send_batch(peer));
      failed = !sent;
      if (failed) peer.failed(sent.error().detail);
    }
    if (!failed) continue;
    asio::steady_timer pause(executor_, retry_pause);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

Task<> Peers::send_batch(Peer& peer) {
  std::vector<Replicated> batch;
  std::size_t bytes = 0;
  while (!peer.waiting.empty() && batch.size() < batch_items_max && bytes < batch_bytes_enough) {
    bytes += bytes_of(peer.waiting.front());
    batch.push_back(peer.take_first());
  }
  http::ClientRequest request;
  request.method = http::Method::post;
  request.path = "peerreplication/batch/";
  request.accept = request.content_type = http::json_type;
  request.headers.push_back({"x-netflix-discovery-replication", "true"});
  request.body = wire::eureka::json_batch(batch);
  const auto reply = co_await peer.client.send(std::move(request));
  Error error(Code::unavailable, {});
  if (!reply) {
    error = reply.error();
  } else if (reply->status != 200) {
    error.detail = "the batch was answered " + std::to_string(reply->status);
  } else {
    const auto answers = wire::eureka::parse_json_batch_answer(reply->body);
    if (answers && answers->size() == batch.size()) {
      take_answers(peer, batch, *answers);
      peer.reached(batch.size());
      co_return Result<>();
    }
    error.detail = "the batch's answer cannot be read";
  }
  for (auto item = batch.rbegin(); item != batch.rend(); ++item) peer.put_first(std::move(*item));
  co_return tl::unexpected(error);
}

void Peers::take_answers(Peer& peer, const std::vector<Replicated>& batch,
                         const std::vector<wire::eureka::ReplicationAnswer>& answers) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Replicated& item = batch[i];
    if (item.what == Replicated::What::heartbeat && answers[i].status == 404) {
      const auto mine = registry_.with(
          [&](LeaseRegistry& leases, std::int64_t now_ms) { return leases.find(item.app, item.id, now_ms); });
      if (!mine) continue;
      Replicated again = item;
      again.what = Replicated::What::enroll;
      again.dirty_ms = mine->dirty_ms;
      again.status = mine->status;
      again.instance = *mine;
      queue(peer, std::move(again));
    } else if (answers[i].status == 409 && answers[i].instance && registry_.admit(*answers[i].instance)) {
      const auto taken = registry_.with([&](LeaseRegistry& leases, std::int64_t now_ms) {
        return leases.enroll(*answers[i].instance, Source::peer, now_ms, "a peer that knew it newer");
      });
      if (!taken) spdlog::warn("registry: {}", taken.error().detail);
    }
  }
}

}  // namespace market::registry
