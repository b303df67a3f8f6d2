//! Stack traces as Java, Python and Node print them, with the parameters of the moment.
//! Not a real program: the frames are tables. Invariant: 5 to 25 lines, no secret and no card number.

use std::fmt::Write as _;

use crate::dice::Dice;
use crate::line::Service;

/// What an exception says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error_type: &'static str,
    pub(crate) message: String,
    pub(crate) stack: String,
}

const JAVA_FRAMES: &[&str] = &[
    "java.base/java.util.concurrent.FutureTask.run(FutureTask.java:317)",
    "org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:885)",
    "org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1089)",
    "org.springframework.transaction.interceptor.TransactionInterceptor.invoke(TransactionInterceptor.java:119)",
    "org.springframework.aop.framework.ReflectiveMethodInvocation.proceed(ReflectiveMethodInvocation.java:184)",
    "jakarta.servlet.http.HttpServlet.service(HttpServlet.java:658)",
    "org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:140)",
    "org.apache.tomcat.util.net.NioEndpoint$SocketProcessor.doRun(NioEndpoint.java:1744)",
    "com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:162)",
    "org.hibernate.internal.SessionImpl.fireLoad(SessionImpl.java:1206)",
    "java.base/java.lang.Thread.run(Thread.java:1583)",
];
const PYTHON_FRAMES: &[(&str, &str)] = &[
    ("/app/search/api.py\", line 88, in search", "hits = await index.query(text, limit=limit)"),
    ("/app/search/index.py\", line 142, in query", "response = await self._client.post(path, json=body)"),
    ("/usr/lib/python3.12/site-packages/httpx/_client.py\", line 1855, in post", "return await self.request("),
    ("/usr/lib/python3.12/site-packages/anyio/_core/_tasks.py\", line 115, in fail_after", "raise TimeoutError"),
    ("/app/shared/retry.py\", line 41, in wrapper", "return await function(*args, **kwargs)"),
    ("/app/inventory/stock.py\", line 203, in reserve", "row = await session.get(Stock, sku)"),
];
const NODE_FRAMES: &[&str] = &[
    "CartService.addItem (/srv/app/dist/cart/cart.service.js:74:19)",
    "process.processTicksAndRejections (node:internal/process/task_queues:105:5)",
    "async CartController.post (/srv/app/dist/cart/cart.controller.js:31:22)",
    "Layer.handle [as handle_request] (/srv/app/node_modules/express/lib/router/layer.js:95:5)",
    "next (/srv/app/node_modules/express/lib/router/route.js:149:13)",
    "TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)",
    "renderProduct (/srv/app/dist/pages/product.js:212:41)",
];

fn java(dice: &mut Dice, service: Service, what: (&'static str, &str)) -> String {
    let mut stack = format!("{}: {}", what.0, what.1);
    let package = service.name();
    for method in ["handle", "load", "execute"] {
        let _ = write!(
            stack,
            "\n\tat shop.boutique.{package}.{}.{method}({}.java:{})",
            if method == "handle" { "Controller" } else { "Repository" },
            if method == "handle" { "Controller" } else { "Repository" },
            dice.between(20, 400)
        );
    }
    for _ in 0..dice.between(4, 12) {
        let _ = write!(stack, "\n\tat {}", dice.pick(JAVA_FRAMES));
    }
    if dice.chance(0.4) {
        stack.push_str("\nCaused by: java.net.SocketTimeoutException: Read timed out\n\tat java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:278)\n\t... 23 more");
    }
    stack
}

fn python(dice: &mut Dice, what: (&'static str, &str)) -> String {
    let mut stack = String::from("Traceback (most recent call last):");
    for _ in 0..dice.between(2, 6) {
        let (place, code) = dice.pick(PYTHON_FRAMES);
        let _ = write!(stack, "\n  File \"{place}\n    {code}");
    }
    let _ = write!(stack, "\n{}: {}", what.0, what.1);
    stack
}

fn node(dice: &mut Dice, what: (&'static str, &str)) -> String {
    let mut stack = format!("{}: {}", what.0, what.1);
    for _ in 0..dice.between(5, 9) {
        let _ = write!(stack, "\n    at {}", dice.pick(NODE_FRAMES));
    }
    stack
}

/// What that service throws when it fails.
pub(crate) fn failure(dice: &mut Dice, service: Service, timeout: bool) -> Failure {
    let wait = if timeout { dice.between(10_000, 30_000) } else { dice.between(200, 5_000) };
    let sku = 1_000 + dice.below(200);
    let kind = if timeout { 0 } else { dice.below(4) };
    let (error_type, message) = match service {
        Service::Search | Service::Inventory => match kind {
            0 => ("TimeoutError", format!("no answer from index shard {} after {wait} ms", dice.below(6))),
            1 => ("KeyError", format!("'price_{sku}'")),
            2 => ("sqlalchemy.exc.OperationalError", format!("deadlock detected while reserving P-{sku}")),
            _ => ("ValueError", format!("stock of P-{sku} would become negative")),
        },
        Service::Cart | Service::Web => match kind {
            0 => ("Error", format!("connect ETIMEDOUT catalog.internal:8443 after {wait} ms")),
            1 => ("TypeError", "Cannot read properties of undefined (reading 'price')".to_owned()),
            2 => ("RangeError", format!("Invalid quantity {} for P-{sku}", dice.below(90) + 10)),
            _ => ("Error", "socket hang up".to_owned()),
        },
        _ => match kind {
            0 => ("java.net.SocketTimeoutException", format!("Read timed out after {wait} ms")),
            1 => (
                "java.lang.NullPointerException",
                "Cannot invoke \"Product.getPrice()\" because \"product\" is null".to_owned(),
            ),
            2 => (
                "java.sql.SQLTransientConnectionException",
                format!("HikariPool-1 - Connection is not available, request timed out after {wait}ms"),
            ),
            _ => ("shop.boutique.StaleStateException", format!("row of P-{sku} was updated by another transaction")),
        },
    };
    let what = (error_type, message.as_str());
    let stack = match service {
        Service::Search | Service::Inventory => python(dice, what),
        Service::Cart | Service::Web => node(dice, what),
        _ => java(dice, service, what),
    };
    Failure { error_type, message, stack }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Purpose;
    use crate::line::SERVICES;

    #[test]
    fn stacks_have_5_to_25_lines() {
        let mut dice = Dice::new(1, Purpose::Session, 1);
        for round in 0..200 {
            let failure = failure(&mut dice, SERVICES[round % 8], round % 3 == 0);
            let lines = failure.stack.lines().count();
            assert!((5..=25).contains(&lines), "{lines}: {}", failure.stack);
        }
    }
}
