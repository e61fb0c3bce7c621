#include "adapters/sql/webhooks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "adapters/sql/followed_to.hpp"
#include "adapters/sql/instants.hpp"
#include "adapters/sql/main_database.hpp"
#include "adapters/sql/row_mac.hpp"

namespace market::sql {
namespace {

std::string context_of(std::string_view column, long long id) {
  return fmt::format("webhooks.{}.{}", column, id);
}
tl::unexpected<Error> no_such_webhook() {
  return fail(Code::not_found, "there is no such webhook");
}

/// Kinds have neither commas nor spaces.
std::string joined(const std::vector<std::string>& events) {
  return fmt::format("{}", fmt::join(events, ","));
}
std::vector<std::string> parted(const std::string& events) {
  std::vector<std::string> all;
  for (std::size_t begin = 0; begin < events.size();) {
    const auto end = std::min(events.find(',', begin), events.size());
    all.push_back(events.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

/// Of webhooks that may be told: a seller's while he is one.
constexpr auto is_served =
    "active = 1 AND (owner_id = 0 OR owner_id IN (SELECT id FROM accounts WHERE role IN ('seller', 'admin') "
    "AND id NOT IN (SELECT user_id FROM locked_accounts)))";

/// `only`, `of`: 0 for any.
Result<std::vector<Webhook>> select_webhooks(soci::session& sql, const FieldCipher& cipher, long long only,
                                             long long of) {
  long long id = 0, owner = 0, previous_until = 0, created_at = 0;
  int active = 0;
  std::string url, secret, previous, events, mac;
  soci::statement rows =
      (sql.prepare << fmt::format("SELECT id, owner_id, owner_mac, url, secret, previous_secret, "
                                  "previous_until, events, active, created_at FROM webhooks WHERE "
                                  "({0} = 0 OR id = {0}) AND ({1} = 0 OR owner_id = {1}) ORDER BY id",
                                  only, of),
       soci::into(id), soci::into(owner), soci::into(mac), soci::into(url), soci::into(secret),
       soci::into(previous), soci::into(previous_until), soci::into(events), soci::into(active),
       soci::into(created_at));
  std::vector<Webhook> found;
  rows.execute();
  while (rows.fetch()) {
    Webhook webhook;
    webhook.id = WebhookId{id};
    webhook.owner = UserId{owner};
    Result<> readable;
    if (mac != webhook_sum(cipher, id, owner)) {
      if (of != 0 && only == 0) continue;  // Whose it was nobody knows.
      readable = fail(Code::internal, fmt::format("webhook {} was changed past the market", id));
    }
    const auto read = [&](const std::string& stored, const char* column) {
      auto plain = stored.empty() ? Result<std::string>() : cipher.decrypt(stored, context_of(column, id));
      if (!plain) readable = fail(plain.error());
      return plain ? std::move(*plain) : std::string();
    };
    webhook.url = read(url, "url");
    webhook.secret = read(secret, "secret");
    webhook.previous_secret = read(previous, "previous_secret");
    if (!readable && only != 0) return fail(readable.error());  // Of a list it is one among others.
    webhook.previous_until = instant_of(previous_until);
    webhook.events = parted(events);
    webhook.active = active != 0;
    webhook.created_at = instant_of(created_at);
    found.push_back(std::move(webhook));
  }
  return found;
}

Result<Webhook> select_webhook(soci::session& sql, const FieldCipher& cipher, long long id, long long owner) {
  auto found = id == 0 ? Result<std::vector<Webhook>>() : select_webhooks(sql, cipher, id, owner);
  if (!found) return fail(found.error());
  if (found->empty()) return no_such_webhook();
  return std::move(found->front());
}

Result<> expect_room(soci::session& sql, long long owner) {
  int own = 0, of_sellers = 0;
  sql << "SELECT count(*) FROM webhooks WHERE owner_id = :owner", soci::use(owner), soci::into(own);
  sql << "SELECT count(*) FROM webhooks WHERE owner_id <> 0", soci::into(of_sellers);
  const int own_max = owner == 0 ? webhooks_max : webhooks_per_seller_max;
  if (own >= own_max) return fail(Code::list_full, fmt::format("there are {} webhooks already", own_max));
  if (owner != 0 && of_sellers >= webhooks_of_sellers_max)
    return fail(Code::list_full, fmt::format("sellers have {} webhooks already", webhooks_of_sellers_max));
  return {};
}

Result<> insert_webhook(soci::session& sql, const FieldCipher& cipher, const Webhook& webhook,
                        const FollowedRow& at) {
  const long long id = webhook.id.value, owner = webhook.owner.value,
                  created_at = millis_of(webhook.created_at);
  if (const auto room = expect_room(sql, owner); !room) return room;
  const std::string mac = webhook_sum(cipher, id, owner);
  const std::string url = cipher.encrypt(webhook.url, context_of("url", id)),
                    secret = cipher.encrypt(webhook.secret, context_of("secret", id)),
                    events = joined(webhook.events);
  const int active = webhook.active ? 1 : 0;
  sql << "INSERT INTO webhooks(id, owner_id, owner_mac, url, secret, previous_secret, previous_until, "
         "events, active, created_at, log_hi, log_lo, generation, term, last, next, checksum, done) "
         "VALUES(:id, :owner, :mac, :url, :secret, '', 0, :events, :active, :created, :hi, :lo, :generation, "
         ":term, :last, :next, :checksum, :done)",
      soci::use(id), soci::use(owner), soci::use(mac), soci::use(url), soci::use(secret), soci::use(events),
      soci::use(active), soci::use(created_at), soci::use(at.log_hi), soci::use(at.log_lo),
      soci::use(at.generation), soci::use(at.term), soci::use(at.last), soci::use(at.next),
      soci::use(at.checksum), soci::use(at.done);
  return {};
}

Result<Webhook> change(soci::session& sql, const FieldCipher& cipher, long long id, long long owner,
                       const WebhookPatch& patch) {
  auto webhook = select_webhook(sql, cipher, id, owner);
  if (!webhook) return webhook;
  if (patch.secret) {
    webhook->previous_secret = std::exchange(webhook->secret, *patch.secret);
    webhook->previous_until = patch.previous_until;
  }
  if (patch.url) webhook->url = *patch.url;
  if (patch.events) webhook->events = *patch.events;
  if (patch.active) webhook->active = *patch.active;
  const std::string url = cipher.encrypt(webhook->url, context_of("url", id)),
                    secret = cipher.encrypt(webhook->secret, context_of("secret", id)),
                    previous =
                        webhook->previous_secret.empty()
                            ? std::string()
                            : cipher.encrypt(webhook->previous_secret, context_of("previous_secret", id)),
                    events = joined(webhook->events);
  const long long until = millis_of(webhook->previous_until);
  const int active = webhook->active ? 1 : 0;
  sql << "UPDATE webhooks SET url = :url, secret = :secret, previous_secret = :previous, previous_until = "
         ":until, events = :events, active = :active WHERE id = :id",
      soci::use(url), soci::use(secret), soci::use(previous), soci::use(until), soci::use(events),
      soci::use(active), soci::use(id);
  return webhook;
}

/// Deliveries in the order of `rest`, which ends the statement.
std::vector<Delivery> select_deliveries(soci::session& sql, const std::string& rest) {
  long long id = 0, webhook = 0, order = 0, created_at = 0, next_at = 0, delivered_at = 0;
  soci::indicator is_delivered = soci::i_null;
  std::string state;
  Delivery row;
  soci::statement rows =
      (sql.prepare << "SELECT id, webhook_id, event_id, kind, order_id, payload, state, created_at, next_at, "
                      "attempts, status, reason, delivered_at FROM webhook_deliveries " +
                          rest,
       soci::into(id), soci::into(webhook), soci::into(row.event_id), soci::into(row.kind), soci::into(order),
       soci::into(row.payload), soci::into(state), soci::into(created_at), soci::into(next_at),
       soci::into(row.attempts), soci::into(row.status), soci::into(row.reason),
       soci::into(delivered_at, is_delivered));
  std::vector<Delivery> found;
  rows.execute();
  while (rows.fetch()) {
    Delivery each = row;
    each.id = DeliveryId{id};
    each.webhook = WebhookId{webhook};
    each.order = OrderId{order};
    each.state = parse_delivery_state(state).value_or(DeliveryState::failed);
    each.created_at = instant_of(created_at);
    each.next_at = instant_of(next_at);
    if (is_delivered == soci::i_ok) each.delivered_at = instant_of(delivered_at);
    found.push_back(std::move(each));
  }
  return found;
}

void insert_delivery(soci::session& sql, const Delivery& each) {
  const long long id = each.id.value, webhook = each.webhook.value, order = each.order.value,
                  created_at = millis_of(each.created_at), next_at = millis_of(each.next_at);
  int known = 0;
  sql << "SELECT 1 FROM webhook_deliveries WHERE webhook_id = :webhook AND event_id = :event",
      soci::use(webhook), soci::use(each.event_id), soci::into(known);
  if (sql.got_data()) return;
  sql << "INSERT INTO webhook_deliveries(id, webhook_id, event_id, kind, order_id, payload, state, "
         "created_at, "
         "next_at, attempts, status, reason) VALUES(:id, :webhook, :event, :kind, :order, :payload, "
         "'waiting', "
         ":created, :next, 0, 0, '')",
      soci::use(id), soci::use(webhook), soci::use(each.event_id), soci::use(each.kind), soci::use(order),
      soci::use(each.payload), soci::use(created_at), soci::use(next_at);
}

/// For an IN.
std::string webhooks_of(UserId owner) {
  return fmt::format("(SELECT id FROM webhooks WHERE owner_id = {})", owner.value);
}

void forget_old(soci::session& sql, long long delivery, std::string_view state) {
  constexpr long long now_and_then = 64;
  if (delivery % now_and_then != 0) return;
  long long webhook = 0, oldest_kept = 0;
  sql << "SELECT webhook_id FROM webhook_deliveries WHERE id = :id", soci::use(delivery), soci::into(webhook);
  sql << fmt::format(
      "SELECT id FROM webhook_deliveries WHERE state = '{}' AND webhook_id = :webhook ORDER BY id DESC LIMIT "
      "1 "
      "OFFSET {}",
      state, deliveries_kept_max - 1),
      soci::use(webhook), soci::into(oldest_kept);
  if (!sql.got_data()) return;
  sql << fmt::format(
      "DELETE FROM webhook_deliveries WHERE state = '{}' AND webhook_id = :webhook AND id < :oldest", state),
      soci::use(webhook), soci::use(oldest_kept);
}

}  // namespace

Task<> SqlWebhooks::create(Webhook webhook, FollowedTo from) {
  return database_.write([this, webhook = std::move(webhook), at = FollowedRow(from)](soci::session& sql) {
    return insert_webhook(sql, cipher_, webhook, at);
  });
}

Task<std::vector<Webhook>> SqlWebhooks::list(UserId owner) {
  return database_.read([this, of = static_cast<long long>(owner.value)](soci::session& sql) {
    return select_webhooks(sql, cipher_, 0, of);
  });
}

Task<Webhook> SqlWebhooks::find(WebhookId id, UserId owner) {
  return database_.read([this, key = static_cast<long long>(id.value),
                         of = static_cast<long long>(owner.value)](soci::session& sql) {
    return select_webhook(sql, cipher_, key, of);
  });
}

Task<Webhook> SqlWebhooks::update(WebhookId id, UserId owner, WebhookPatch patch) {
  return database_.write(
      [this, key = static_cast<long long>(id.value), of = static_cast<long long>(owner.value),
       patch = std::move(patch)](soci::session& sql) { return change(sql, cipher_, key, of, patch); });
}

Task<> SqlWebhooks::remove(WebhookId id, UserId owner) {
  return database_.write([key = static_cast<long long>(id.value),
                          of = static_cast<long long>(owner.value)](soci::session& sql) -> Result<> {
    int one = 0;
    sql << fmt::format("SELECT 1 FROM webhooks WHERE id = :id AND ({0} = 0 OR owner_id = {0})", of),
        soci::use(key), soci::into(one);
    if (!sql.got_data()) return no_such_webhook();
    sql << "DELETE FROM webhook_deliveries WHERE webhook_id = :id", soci::use(key);
    sql << "DELETE FROM webhooks WHERE id = :id", soci::use(key);
    return {};
  });
}

Task<std::vector<Webhooks::Feed>> SqlWebhooks::feeds() {
  return database_.read([this](soci::session& sql) -> Result<std::vector<Feed>> {
    long long id = 0, owner = 0;
    std::string events, mac;
    FollowedRow row;
    soci::statement rows =
        (sql.prepare << fmt::format("SELECT id, owner_id, owner_mac, events, log_hi, log_lo, generation, "
                                    "term, last, next, checksum, done FROM webhooks WHERE {1} AND "
                                    "(SELECT count(*) FROM webhook_deliveries WHERE webhook_id = "
                                    "webhooks.id AND state = 'waiting') < {0} ORDER BY id",
                                    deliveries_waiting_max, is_served),
         soci::into(id), soci::into(owner), soci::into(mac), soci::into(events), soci::into(row.log_hi),
         soci::into(row.log_lo), soci::into(row.generation), soci::into(row.term), soci::into(row.last),
         soci::into(row.next), soci::into(row.checksum), soci::into(row.done));
    std::vector<Feed> found;
    rows.execute();
    while (rows.fetch())
      if (mac == webhook_sum(cipher_, id, owner))  // One that was changed past the market is told nothing.
        found.push_back(Feed{WebhookId{id}, UserId{owner}, parted(events), row.value()});
    return found;
  });
}

Task<> SqlWebhooks::add(WebhookId id, std::vector<Delivery> deliveries, FollowedTo to) {
  return database_.write([key = static_cast<long long>(id.value), deliveries = std::move(deliveries),
                          at = FollowedRow(to)](soci::session& sql) -> Result<> {
    int one = 0;
    sql << "SELECT 1 FROM webhooks WHERE id = :id", soci::use(key), soci::into(one);
    if (!sql.got_data()) return {};
    for (const Delivery& each : deliveries) insert_delivery(sql, each);
    sql << "UPDATE webhooks SET log_hi = :hi, log_lo = :lo, generation = :generation, term = :term, last = "
           ":last, "
           "next = :next, checksum = :checksum, done = :done WHERE id = :id",
        soci::use(at.log_hi), soci::use(at.log_lo), soci::use(at.generation), soci::use(at.term),
        soci::use(at.last), soci::use(at.next), soci::use(at.checksum), soci::use(at.done), soci::use(key);
    return {};
  });
}

Task<std::vector<Delivery>> SqlWebhooks::due(Instant now, std::vector<WebhookId> busy) {
  return database_.read(
      [at = millis_of(now), busy = std::move(busy)](soci::session& sql) -> Result<std::vector<Delivery>> {
        long long id = 0;
        std::vector<long long> active;
        {
          soci::statement rows =
              (sql.prepare << fmt::format("SELECT id FROM webhooks WHERE {}", is_served), soci::into(id));
          rows.execute();
          while (rows.fetch())
            if (std::find(busy.begin(), busy.end(), WebhookId{id}) == busy.end()) active.push_back(id);
        }
        std::vector<Delivery> found;
        for (const long long webhook : active)
          for (Delivery& each :
               select_deliveries(sql, fmt::format("WHERE webhook_id = {} AND state = 'waiting' AND "
                                                  "next_at <= {} ORDER BY next_at, id LIMIT 1",
                                                  webhook, at)))
            found.push_back(std::move(each));
        return found;
      });
}

Task<> SqlWebhooks::mark_delivered(DeliveryId id, Instant now, int status) {
  return database_.write([key = static_cast<long long>(id.value), at = millis_of(now),
                          status](soci::session& sql) -> Result<> {
    sql << "UPDATE webhook_deliveries SET state = 'delivered', delivered_at = :now, attempts = attempts + 1, "
           "status = :status, reason = '' WHERE id = :id AND state <> 'delivered'",
        soci::use(at), soci::use(status), soci::use(key);
    forget_old(sql, key, "delivered");
    return {};
  });
}

Task<bool> SqlWebhooks::mark_failed(DeliveryId id, int attempts, std::optional<Instant> next_at, int status,
                                    std::string reason) {
  return database_.write([key = static_cast<long long>(id.value), attempts, over = !next_at,
                          at = millis_of(next_at.value_or(Instant::max())), status,
                          reason = std::move(reason)](soci::session& sql) -> Result<bool> {
    const std::string state = over ? "failed" : "waiting";
    soci::statement change =
        (sql.prepare
             << "UPDATE webhook_deliveries SET state = :state, next_at = :at, attempts = attempts + 1, "
                "status = :status, reason = :reason "
                "WHERE id = :id AND state = 'waiting' AND attempts = :attempts",
         soci::use(state), soci::use(at), soci::use(status), soci::use(reason), soci::use(key),
         soci::use(attempts));
    change.execute(true);
    if (change.get_affected_rows() == 0) return false;
    if (over) forget_old(sql, key, "failed");
    return true;
  });
}

Task<std::vector<Delivery>> SqlWebhooks::deliveries(DeliveryFilter filter, int limit) {
  std::string rest = fmt::format("WHERE id < {}", filter.before ? filter.before.value : INT64_MAX);
  if (filter.webhook) rest += fmt::format(" AND webhook_id = {}", filter.webhook.value);
  if (filter.owner) rest += " AND webhook_id IN " + webhooks_of(filter.owner);
  if (filter.state) rest += fmt::format(" AND state = '{}'", text_of(*filter.state));
  rest += fmt::format(" ORDER BY id DESC LIMIT {}", limit);
  return database_.read([rest = std::move(rest)](soci::session& sql) -> Result<std::vector<Delivery>> {
    return select_deliveries(sql, rest);
  });
}

Task<Delivery> SqlWebhooks::replay(DeliveryId id, UserId owner, Instant now) {
  std::string where = fmt::format("WHERE id = {}", id.value);
  if (owner) where += " AND webhook_id IN " + webhooks_of(owner);
  return database_.write(
      [where = std::move(where), at = millis_of(now)](soci::session& sql) -> Result<Delivery> {
        sql << "UPDATE webhook_deliveries SET state = 'waiting', next_at = :now, attempts = 0, delivered_at "
               "= NULL " +
                   where,
            soci::use(at);
        auto found = select_deliveries(sql, where);
        if (found.empty()) return fail(Code::not_found, "there is no such delivery");
        return std::move(found.front());
      });
}

}  // namespace market::sql
