; three times eight million requests to a prompt's handler that answers each by calling the continuation
(define tag (make-prompt-tag))
(define (ask n)
  (let loop ((i 0) (sum 0))
    (if (= i n) sum (loop (+ i 1) (+ sum (abort-to-prompt tag i))))))
(define (under thunk)
  (call-with-prompt tag thunk
    (lambda (k request) (under (lambda () (k (+ request 1)))))))
(define (answered n) (under (lambda () (ask n))))
(display (+ (answered 8000000) (answered 8000000) (answered 8000000)))
(newline)
