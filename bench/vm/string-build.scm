; texts of a thousand lines put together from fields and numbers, eight thousand times
(define (line i)
  (string-append (string-upcase (substring "abcdefghij" 0 (+ 1 (modulo i 10)))) ","
                 (number->string i) "," (number->string (* i i)) "," (make-string (modulo i 7) #\x)))
(define (page n)
  (string-join (map line (iota n)) "\n"))
; replaces ",4" by ";;;"
(define (replace-all text)
  (let loop ((from 0) (out '()))
    (let ((at (string-contains text ",4" from)))
      (if at
          (loop (+ at 2) (cons ";;;" (cons (substring text from at) out)))
          (apply string-append (reverse (cons (substring text from) out)))))))
(define (rounds i total)
  (if (= i 8000)
      total
      (let ((text (page 1000)))
        (rounds (+ i 1) (+ total (string-length text) (string-length (replace-all text)))))))
(display (rounds 0 0))
(newline)
; and a text that grows by a few characters a million times
(define text
  (call-with-output-string
   (lambda (port)
     (do ((i 0 (+ i 1))) ((= i 1000000))
       (display "<" port)
       (display i port)
       (display ">" port)))))
(display (string-length text)) (display " ")
(display (string-contains text "<999999>"))
(newline)
