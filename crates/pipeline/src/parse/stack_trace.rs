//! The error that a record of several lines tells of: its class, its message and the trace, taken out of the text.

use vigie_domain::{Object, Value};

use super::continuation::{Exception, STACK_OF_PHP, TRACEBACK, exception_of, is_java_frame};
use super::push_text;

/// Adds the text as the message; a stack trace or traceback in it goes to fields of its own.
pub(crate) fn push_message(body: &mut Object, text: &str) {
    let Some((start, exception)) = find(text) else {
        if !text.is_empty() {
            body.push(("message".into(), Value::text(text)));
        }
        return;
    };
    let said = text[..start].trim_end();
    let trace = text[start..].trim_end();
    let summary = if exception.message.is_empty() { exception.class } else { exception.message };
    push_text(body, "message", if said.is_empty() { summary } else { said });
    push_text(body, "error_type", exception.class);
    push_text(body, "error_message", exception.message);
    body.push(("stack_trace".into(), Value::text(trace)));
}

/// Where the trace begins in the text, and what was raised.
pub(super) fn find(text: &str) -> Option<(usize, Exception<'_>)> {
    let python = text.find(TRACEBACK).filter(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n');
    if let Some(at) = python {
        // Of tracebacks that led to each other, the last is the one that nobody caught.
        let raised = text[at + TRACEBACK.len()..].lines().filter_map(exception_of).next_back()?;
        return Some((at, raised));
    }
    let mut end = 0;
    let mut previous = (0, "");
    for with_end in text.split_inclusive('\n') {
        let line = with_end.trim_end_matches('\n');
        if is_java_frame(line) || line == STACK_OF_PHP {
            let (start, line) = previous;
            return exception_of(line).map(|exception| (start, exception));
        }
        previous = (end, line);
        end += with_end.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut body = Object::new();
        push_message(&mut body, text);
        assert_eq!(serde_json::to_string(&Value::Object(body)).unwrap(), expected, "{text}");
    }

    #[test]
    fn traces_become_fields() {
        check(
            "pay failed\njava.io.IOException: gone\n\tat a.B.c(B.java:1)\nCaused by: x.YException\n",
            r#"{"message":"pay failed","error_type":"java.io.IOException","error_message":"gone","stack_trace":"java.io.IOException: gone\n\tat a.B.c(B.java:1)\nCaused by: x.YException"}"#,
        );
        check(
            "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2\nshop.Declined: no\n",
            r#"{"message":"no","error_type":"shop.Declined","error_message":"no","stack_trace":"Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2\nshop.Declined: no"}"#,
        );
        check(
            "StopIteration\n    at f (a.js:1:2)",
            r#"{"message":"StopIteration","error_type":"StopIteration","stack_trace":"StopIteration\n    at f (a.js:1:2)"}"#,
        );
    }

    #[test]
    fn text_without_a_trace_is_the_message() {
        check("hello", r#"{"message":"hello"}"#);
        check("hello\n  world", r#"{"message":"hello\n  world"}"#);
        check("hello\n\tat a.B.c(B.java:1)", r#"{"message":"hello\n\tat a.B.c(B.java:1)"}"#);
        check(
            "Traceback (most recent call last):\n  cut",
            r#"{"message":"Traceback (most recent call last):\n  cut"}"#,
        );
    }
}
